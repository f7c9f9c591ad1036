import {
  FORMAT_BLOB_ID,
  findFormatCopy,
  isKopiaError,
  openStorage,
  type BlobId,
  type BlobMetadata,
  type BlobStorage,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, listFlag, textFlag } from "../../parser/flag.ts";
import { UsageError } from "../../parser/usage-error.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";
import { filesystemFlags, filesystemStorage } from "./filesystem-flags.ts";

const PACK_PREFIXES = ["p", "q"];

/**
 * `repository repair filesystem`: puts the format blob back from the copy that packs of old repositories hold
 * (spec 3 §3.5). Needs neither connection nor password.
 */
export const command = defineCommand({
  flags: {
    recoverFormat: textFlag("recover-format", {
      help: "auto: when it is missing; yes: even so; no: never",
      default: "auto",
    }),
    prefixes: listFlag("recover-format-block-prefixes", {
      help: "Beginnings of names of blobs to look into; default: packs",
    }),
    dryRun: booleanFlag("dry-run", { short: "n", help: "Change nothing" }),
    ...filesystemFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    requireDangerous(context);
    const { recoverFormat, dryRun } = flags;
    if (!["auto", "yes", "no"].includes(recoverFormat)) {
      throw new UsageError(`enum value must be one of auto,yes,no, got '${recoverFormat}'`);
    }
    if (recoverFormat === "no") return;
    const { log } = context;
    const storage = await openStorage(filesystemStorage(flags), { readOnly: dryRun });
    try {
      if (recoverFormat === "auto") {
        log.info("looking for format blob...");
        if (await exists(storage, FORMAT_BLOB_ID)) {
          log.info("format blob already exists, not recovering, pass --recover-format=yes");
          return;
        }
      }
      const prefixes = flags.prefixes.length === 0 ? PACK_PREFIXES : flags.prefixes;
      const found = await findFormatCopy(storage, blobsOf(storage, prefixes), (id) =>
        log.info(`looking for replica of format blob in ${id}...`),
      );
      if (found === undefined) {
        throw new CommandError("could not find a replica of a format blob");
      }
      if (!dryRun) await storage.put(FORMAT_BLOB_ID, found.formatBlob);
      log.info(`recovered replica block from ${found.packBlobId}`);
    } finally {
      await storage.close();
    }
  },
});

async function exists(storage: BlobStorage, id: BlobId): Promise<boolean> {
  try {
    await storage.getMetadata(id);
    return true;
  } catch (error) {
    if (isKopiaError(error, "BLOB_NOT_FOUND")) return false;
    throw error;
  }
}

async function* blobsOf(
  storage: BlobStorage,
  prefixes: readonly string[],
): AsyncGenerator<BlobMetadata> {
  for (const prefix of prefixes) yield* storage.list(prefix);
}
