import {
  formatGoDuration,
  readConnection,
  writeConnection,
  type ConnectionClientOptions,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, durationFlag, listFlag, type FlagValues } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

const FORMAT_CACHE_DISABLED_NS = -1;

const flags = {
  readOnly: booleanFlag("read-only", { help: "Never write to the repository" }),
  readWrite: booleanFlag("read-write", { help: "Allow writing" }),
  description: listFlag("description", { help: "Description of the connection" }),
  username: listFlag("username", { help: "User name of this client" }),
  hostname: listFlag("hostname", { help: "Host name of this client" }),
  formatCacheDuration: durationFlag("repository-format-cache-duration", {
    help: "How long the format blob is cached",
  }),
  disableFormatCache: booleanFlag("disable-repository-format-cache", {
    help: "Never cache the format blob",
  }),
};

/** `repository set-client`: changes the connection file only; nothing to change is an error (trap T-23). */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, input) {
    const configPath = connectionPath(context);
    // As in Kopia the connection must work before it is changed.
    await withRepository(context, async () => {});
    const connection = await readConnection(configPath);
    const client = changeClient(context, connection.client, input.flags);
    if (client === undefined) throw new CommandError("no changes");
    await writeConnection(configPath, { ...connection, client });
  },
});

function changeClient(
  context: CommandContext,
  before: ConnectionClientOptions,
  values: FlagValues<typeof flags>,
): ConnectionClientOptions | undefined {
  const { log } = context;
  const changes: { -readonly [K in keyof ConnectionClientOptions]?: ConnectionClientOptions[K] } =
    {};
  if (values.readOnly) {
    if (before.readOnly) log.info("Repository is already in read-only mode.");
    else {
      changes.readOnly = true;
      log.info("Setting repository to read-only mode.");
    }
  }
  if (values.readWrite) {
    if (changes.readOnly ?? before.readOnly) {
      changes.readOnly = false;
      log.info("Setting repository to read-write mode.");
    } else log.info("Repository is already in read-write mode.");
  }
  const description = values.description.at(-1);
  if (description !== undefined) {
    changes.description = description;
    log.info(`Setting description to ${description}`);
  }
  const username = values.username.at(-1);
  if (username !== undefined) {
    changes.username = username;
    log.info(`Setting local username to ${username}`);
  }
  const hostname = values.hostname.at(-1);
  if (hostname !== undefined) {
    changes.hostname = hostname;
    log.info(`Setting local hostname to ${hostname}`);
  }
  const duration = values.formatCacheDuration ?? 0;
  if (duration > 0) {
    changes.formatBlobCacheDurationNs = duration;
    log.info(`Setting format blob cache duration to ${formatGoDuration(BigInt(duration))}`);
  }
  if (values.disableFormatCache) {
    changes.formatBlobCacheDurationNs = FORMAT_CACHE_DISABLED_NS;
    log.info("Disabling format blob cache");
  }
  return Object.keys(changes).length === 0 ? undefined : { ...before, ...changes };
}
