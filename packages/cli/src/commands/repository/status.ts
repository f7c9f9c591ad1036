import {
  encodeConnectionToken,
  formatGoDuration,
  goStringify,
  readConnection,
  readPersistedPassword,
  toHex,
  type Repository,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { indentJson } from "../../output/json-indent.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";
import { givenPassword } from "../../session/password.ts";
import { statusJson, storageForDisplay, type RepositoryStatus } from "./status-json.ts";

/** `repository status` (spec 3 §6.11). */
export const command = defineCommand({
  flags: {
    reconnectToken: booleanFlag("reconnect-token", {
      short: "t",
      help: "Show the command that connects again",
    }),
    withPassword: booleanFlag("reconnect-token-with-password", {
      short: "s",
      help: "Put the password into the token",
    }),
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const configPath = connectionPath(context);
      const status: RepositoryStatus = {
        configPath,
        connection: await readConnection(configPath),
        format: repository.format,
        capacity: await repository.storage.capacity(),
      };
      if (flags.json) {
        printJsonObject(context.out, statusJson(status), { indent: flags.jsonIndent });
        return;
      }
      printClient(context, status);
      printStorage(context, status);
      await printFormat(context, repository);
      if (flags.reconnectToken) await printToken(context, status, flags.withPassword);
    });
  },
});

function printClient(context: CommandContext, { configPath, connection }: RepositoryStatus): void {
  const { out } = context;
  const { client } = connection;
  out.line(`Config file:         ${configPath}`);
  out.line("");
  out.line(`Description:         ${client.description}`);
  out.line(`Hostname:            ${client.hostname}`);
  out.line(`Username:            ${client.username}`);
  out.line(`Read-only:           ${client.readOnly}`);
  const cacheNs = client.formatBlobCacheDurationNs ?? 0;
  out.line(`Format blob cache:   ${cacheNs > 0 ? formatGoDuration(BigInt(cacheNs)) : "disabled"}`);
  out.line("");
}

function printStorage(context: CommandContext, status: RepositoryStatus): void {
  const { out, formatBytes } = context;
  out.line(`Storage type:        ${status.connection.storage?.type ?? ""}`);
  if (status.capacity !== undefined) {
    out.line(`Storage capacity:    ${formatBytes(status.capacity.sizeBytes)}`);
    out.line(`Storage available:   ${formatBytes(status.capacity.freeBytes)}`);
  }
  const shown = storageForDisplay(status.connection) as { readonly config?: unknown } | null;
  const config = goStringify((shown?.config ?? {}) as Parameters<typeof goStringify>[0]);
  const layout = { prefix: " ".repeat(21), indent: "  " };
  out.line(`Storage config:      ${indentJson(config, layout)}`);
  out.line("");
}

async function printFormat(context: CommandContext, repository: Repository): Promise<void> {
  const { out, formatBytes } = context;
  const { content, uniqueId, blobRetention } = repository.format;
  out.line(`Unique ID:           ${toHex(uniqueId)}`);
  out.line(`Hash:                ${content.hash}`);
  out.line(`Encryption:          ${content.encryption}`);
  if (content.ecc !== "") {
    out.line(`Error correction:    ${content.ecc}`);
    out.line(`Overhead percent:    ${content.eccOverheadPercent}`);
  }
  out.line(`Splitter:            ${content.splitter}`);
  out.line(`Format version:      ${content.version}`);
  out.line(`Content compression: ${content.indexVersion >= 2}`);
  out.line(`Password changes:    ${content.enablePasswordChange}`);
  out.line(`Max pack length:     ${formatBytes(content.maxPackSizeBytes)}`);
  out.line(`Index Format:        v${content.indexVersion}`);
  await printEpochs(context, repository);
  if (blobRetention.retentionMode) {
    out.line("");
    out.line(`Blob retention mode:     ${blobRetention.retentionMode}`);
    const period = BigInt(blobRetention.retentionPeriodNs ?? 0);
    out.line(`Blob retention period:   ${formatGoDuration(period)}`);
  }
}

async function printEpochs(context: CommandContext, repository: Repository): Promise<void> {
  const { out, formatBytes } = context;
  const epochs = repository.format.content.epochParameters;
  if (!epochs.enabled) {
    out.line("Epoch Manager:       disabled");
    return;
  }
  const duration = (ns: number): string => formatGoDuration(BigInt(ns));
  out.line("");
  out.line("Epoch Manager:       enabled");
  const current = await repository.currentEpoch();
  if (current !== undefined) out.line(`Current Epoch: ${current}`);
  out.line("");
  out.line(`Epoch refresh frequency: ${duration(epochs.epochRefreshFrequencyNs)}`);
  const size = formatBytes(epochs.epochAdvanceOnTotalSizeBytesThreshold);
  out.line(
    `Epoch advance on:        ${epochs.epochAdvanceOnCountThreshold} blobs or ${size}, ` +
      `minimum ${duration(epochs.minEpochDurationNs)}`,
  );
  out.line(`Epoch cleanup margin:    ${duration(epochs.cleanupSafetyMarginNs)}`);
  out.line(`Epoch range-compaction every: ${epochs.fullCheckpointFrequency} epochs`);
}

async function printToken(
  context: CommandContext,
  { connection, configPath }: RepositoryStatus,
  withPassword: boolean,
): Promise<void> {
  const { out } = context;
  if (connection.storage === undefined) return;
  const password = withPassword
    ? (givenPassword(context) ?? (await readPersistedPassword(configPath)))
    : undefined;
  const token = encodeConnectionToken({
    storage: connection.storage,
    ...(password === undefined ? {} : { password }),
  });
  out.line("");
  out.line("To reconnect to the repository use:");
  out.line("");
  out.line(`$ kopia repository connect from-config --token ${token}`);
  out.line("");
  if (password !== undefined) {
    out.line(
      "NOTICE: The token printed above can be trivially decoded to reveal the repository password. Do not store it in an unsecured place.",
    );
  }
}
