import {
  errorMessage,
  openStorage,
  readConnection,
  systemClock,
  systemRandom,
  validateStorage,
  type BlobStorage,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { durationFlag, countFlag } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

const NS_PER_MS = 1e6;

/** `repository validate-provider` (spec 3 §3.6): tries out the connected storage. */
export const command = defineCommand({
  flags: {
    connections: countFlag("num-storage-connections", {
      help: "Openings of the storage beside each other",
      default: 4,
    }),
    duration: durationFlag("concurrency-test-duration", {
      help: "How long puts and gets run beside each other",
      default: "30s",
    }),
    putWorkers: countFlag("put-blob-workers", { help: "Puts at a time", default: 3 }),
    getWorkers: countFlag("get-blob-workers", { help: "Gets at a time", default: 3 }),
    metadataWorkers: countFlag("get-metadata-workers", {
      help: "Look-ups at a time",
      default: 3,
    }),
  },
  arguments: {},
  async run(context, { flags }) {
    const { io, log } = context;
    await withRepository(context, async ({ client }) => {
      if (client.readOnly) throw new CommandError("validate-provider: storage is read-only");
    });
    const { storage: config } = await readConnection(connectionPath(context));
    if (config === undefined) throw new CommandError("validate-provider: there is no storage");
    const count = Math.max(1, flags.connections);
    log.info(`Opening ${count} equivalent storage connections...`);
    const connections: BlobStorage[] = [];
    try {
      for (let i = 0; i < count; i++) connections.push(await openStorage(config));
      await validateStorage(connections, {
        clock: io.clock ?? systemClock,
        random: io.random ?? systemRandom,
        concurrencyMs: flags.duration / NS_PER_MS,
        putWorkers: flags.putWorkers,
        getWorkers: flags.getWorkers,
        metadataWorkers: flags.metadataWorkers,
        onStep: (text) => log.info(text),
        signal: io.signal,
      });
    } catch (error) {
      throw new CommandError(`provider validation error: ${errorMessage(error)}`, {
        cause: error,
      });
    } finally {
      for (const storage of connections) await storage.close();
    }
  },
});
