import {
  NS_PER_SECOND,
  collectAsync,
  formatGoDuration,
  type BlobMetadata,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";

/** `index epoch list`: epochs from the newest down to the oldest (spec 1 §8.4). */
export const command = defineCommand({
  flags: {},
  arguments: {},
  async run(context) {
    await withRepository(context, async (repository) => {
      const current = await repository.currentEpoch();
      if (current === undefined) throw new CommandError("epoch manager is not active");
      const active = await repository.indexBlobs();
      const markers = await collectAsync(repository.storage.list(`xe${current}`));
      context.out.line(`Current Epoch: ${current}`);
      const started = earliest(markers.filter(({ id }) => epochsOf(id, "xe")?.first === current));
      if (started !== undefined)
        context.out.line(`Epoch Started  ${timestamp(context, started.timestamp)}`);
      printEpochs(context, active);
    });
  },
});

/** Epoch numbers in a blob name; for ranges the first and the last. */
interface EpochNumbers {
  readonly first: number;
  readonly last: number;
}

function epochsOf(blobId: string, prefix: "xe" | "xn" | "xs" | "xr"): EpochNumbers | undefined {
  if (!blobId.startsWith(prefix)) return undefined;
  const [, first, , last] = /^(\d+)(_(\d+)_)?/.exec(blobId.slice(prefix.length)) ?? [];
  if (first === undefined) return undefined;
  const end = prefix === "xr" ? last : first;
  return end === undefined ? undefined : { first: Number(first), last: Number(end) };
}

function printEpochs(context: CommandContext, active: readonly BlobMetadata[]): void {
  const { out } = context;
  const uncompacted = groupByEpoch(active, "xn");
  for (const [{ last }, blobs] of uncompacted) {
    const from = earliest(blobs)?.timestamp ?? 0n;
    const to = latest(blobs)?.timestamp ?? 0n;
    // Kopia rounds the span to whole seconds.
    const spanSeconds = (to - from + NS_PER_SECOND / 2n) / NS_PER_SECOND;
    const span = formatGoDuration(spanSeconds * NS_PER_SECOND);
    const period = `${timestamp(context, from)} ... ${timestamp(context, to)}`;
    out.line(`${last} ${period}, ${countAndSize(context, blobs)}, span ${span}`);
  }
  for (const [{ last }, blobs] of groupByEpoch(active, "xs")) {
    const time = timestamp(context, earliest(blobs)?.timestamp ?? 0n);
    out.line(`${last}: ${time} single-epoch ${countAndSize(context, blobs)}`);
  }
  for (const [{ first, last }, blobs] of groupByEpoch(active, "xr"))
    out.line(`${first}-${last}: range, ${countAndSize(context, blobs)}`);
}

/** Newest epochs first. */
function groupByEpoch(
  blobs: readonly BlobMetadata[],
  prefix: "xn" | "xs" | "xr",
): readonly (readonly [EpochNumbers, readonly BlobMetadata[]])[] {
  const groups = new Map<
    string,
    { readonly epochs: EpochNumbers; readonly blobs: BlobMetadata[] }
  >();
  for (const blob of blobs) {
    const epochs = epochsOf(blob.id, prefix);
    if (epochs === undefined) continue;
    const key = `${epochs.first}-${epochs.last}`;
    const group = groups.get(key) ?? { epochs, blobs: [] };
    group.blobs.push(blob);
    groups.set(key, group);
  }
  return [...groups.values()]
    .sort((a, b) => b.epochs.last - a.epochs.last)
    .map((group) => [group.epochs, group.blobs] as const);
}

function countAndSize(context: CommandContext, blobs: readonly BlobMetadata[]): string {
  const totalBytes = blobs.reduce((sum, blob) => sum + blob.lengthBytes, 0);
  return `${blobs.length} blobs, ${context.formatBytes(totalBytes)}`;
}

function earliest(blobs: readonly BlobMetadata[]): BlobMetadata | undefined {
  return blobs.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1))[0];
}

function latest(blobs: readonly BlobMetadata[]): BlobMetadata | undefined {
  return blobs.toSorted((a, b) => (a.timestamp < b.timestamp ? 1 : -1))[0];
}
