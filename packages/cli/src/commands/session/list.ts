import { listSessionMarkers } from "@kopia-engine/kopia-format";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { repositoryCrypto } from "../../session/repository-crypto.ts";

/** `session list`: write sessions that are under way, or were never finished (spec 1 §9.2). */
export const command = defineCommand({
  flags: {},
  arguments: {},
  async run(context) {
    await withRepository(context, async (repository) => {
      const crypto = await repositoryCrypto(repository);
      for (const { marker } of await listSessionMarkers(repository.storage, crypto)) {
        const { id, username, hostname, startTime, checkpointTime } = marker;
        const times = `${timestamp(context, startTime)} ${timestamp(context, checkpointTime)}`;
        context.out.line(`${id} ${username}@${hostname} ${times}`);
      }
    });
  },
});
