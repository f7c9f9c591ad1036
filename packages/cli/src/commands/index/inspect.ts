import {
  INDEX_BLOB_PREFIXES,
  NS_PER_SECOND,
  errorMessage,
  isKopiaError,
  readIndexBlob,
  type BlobMetadata,
  type Repository,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestampMs } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag, countFlag, listFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { repositoryCrypto } from "../../session/repository-crypto.ts";

/** `index inspect`: the entries of index blobs, blob by blob. */
export const command = defineCommand({
  flags: {
    all: booleanFlag("all", { help: "All index blobs, those that no longer count too" }),
    active: booleanFlag("active", { help: "Index blobs that count" }),
    contentIds: listFlag("content-id", { help: "Only entries of these contents" }),
    parallel: countFlag("parallel", { help: "Accepted, without effect", default: 8 }),
  },
  arguments: { blobs: remainingArguments("blobs", "Names of index blobs") },
  async run(context, { flags, arguments: { blobs: names } }) {
    await withRepository(
      context,
      async (repository) => {
        const blobs = await chosenBlobs(repository, { ...flags, names });
        const wanted = flags.contentIds.length === 0 ? undefined : new Set(flags.contentIds);
        for (const blob of blobs) await printBlob(context, { repository, blob, wanted });
      },
      { toleratesDamagedIndex: true, useCache: false },
    );
  },
});

async function chosenBlobs(
  repository: Repository,
  choice: { readonly all: boolean; readonly active: boolean; readonly names: readonly string[] },
): Promise<readonly BlobMetadata[]> {
  const blobs: BlobMetadata[] = [];
  if (choice.all) {
    for (const prefix of INDEX_BLOB_PREFIXES) {
      for await (const blob of repository.storage.list(prefix)) blobs.push(blob);
    }
  } else if (choice.active) blobs.push(...(await repository.indexBlobs()));
  else if (choice.names.length === 0) {
    throw new CommandError(
      "must pass either --all, --active or provide a list of blob IDs to inspect",
    );
  }
  if (blobs.length > 0) return blobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const id of choice.names) {
    try {
      blobs.push(await repository.storage.getMetadata(id));
    } catch (error) {
      const reason = isKopiaError(error, "BLOB_NOT_FOUND")
        ? "error getting metadata: BLOB not found"
        : errorMessage(error);
      throw new CommandError(`unable to get metadata for ${id}: ${reason}`, { cause: error });
    }
  }
  return blobs;
}

async function printBlob(
  context: CommandContext,
  input: {
    readonly repository: Repository;
    readonly blob: BlobMetadata;
    readonly wanted: ReadonlySet<string> | undefined;
  },
): Promise<void> {
  const { repository, blob, wanted } = input;
  const { storage, format, clock, random } = repository;
  const crypto = await repositoryCrypto(repository);
  const index = await readIndexBlob({ storage, format, ...crypto, clock, random }, blob.id);
  const head = `${timestampMs(context, blob.timestamp)} ${blob.id}`;
  for (let position = 0; position < index.entryCount; position++) {
    const entry = index.entryAt(position);
    if (wanted?.has(entry.contentId) === false) continue;
    const state = entry.deleted ? "deleted" : "created";
    const time = timestampMs(context, BigInt(entry.timestampSeconds) * NS_PER_SECOND);
    context.out.line(
      `${head} ${entry.contentId} ${state} ${time} ${entry.packBlobId} ${entry.packOffset} ${entry.packedLength}`,
    );
    await context.out.settle();
  }
}
