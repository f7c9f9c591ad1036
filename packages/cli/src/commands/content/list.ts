import {
  NS_PER_SECOND,
  compressorByHeaderId,
  type ContentEntry,
  type ContentQuery,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { JsonListWriter, jsonFlags } from "../../output/json-output.ts";
import { compressionPercent } from "../../output/percent.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { contentRange, rangeFlags } from "./content-range.ts";

/** `content list` (spec 3 §6.9). */
export const command = defineCommand({
  flags: {
    long: booleanFlag("long", { short: "l", help: "Time, pack and place of each content" }),
    compression: booleanFlag("compression", { short: "c", help: "Lengths and compression" }),
    deleted: booleanFlag("deleted", { help: "Deleted contents too" }),
    deletedOnly: booleanFlag("deleted-only", { help: "Deleted contents only" }),
    summary: booleanFlag("summary", { short: "s", help: "Count and size at the end" }),
    human: booleanFlag("human", { short: "h", help: "Sizes for people" }),
    ...rangeFlags,
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      const range = contentRange(flags);
      const query: ContentQuery = {
        includeDeleted: flags.deleted || flags.deletedOnly,
        ...(range === undefined ? {} : { range }),
      };
      const list = flags.json ? new JsonListWriter(out, { indent: flags.jsonIndent }) : undefined;
      const size = flags.human
        ? context.formatBytes
        : (lengthBytes: number | bigint) => String(lengthBytes);
      let count = 0;
      let totalBytes = 0;
      for (const entry of repository.contents.contents(query)) {
        if (flags.deletedOnly && !entry.deleted) continue;
        count++;
        totalBytes += entry.packedLength;
        if (list !== undefined) await list.add(contentJson(entry));
        else {
          if (flags.compression) out.line(compressionRow(entry, size));
          else if (flags.long) out.line(longRow(context, entry, size));
          else out.line(entry.contentId);
          await out.settle();
        }
      }
      list?.end();
      if (!flags.summary) return;
      const shownCount = flags.human ? `${count} ` : String(count);
      out.line(`Total: ${shownCount} contents, ${size(totalBytes)} total size`);
    });
  },
});

/** Keys in Kopia's order; IDs and names need no escapes. */
function contentJson(entry: ContentEntry): string {
  const compression =
    entry.compressionHeaderId === 0 ? "" : `"compression":${entry.compressionHeaderId},`;
  const keyId = entry.encryptionKeyId === 0 ? "" : `,"encryptionKeyID":${entry.encryptionKeyId}`;
  return (
    `{"packFile":"${entry.packBlobId}","time":${entry.timestampSeconds},` +
    `"originalLength":${entry.originalLength},"length":${entry.packedLength},` +
    `"packOffset":${entry.packOffset},${compression}"contentID":"${entry.contentId}",` +
    `"deleted":${entry.deleted},"formatVersion":${entry.formatVersion}${keyId}}`
  );
}

function compressionRow(entry: ContentEntry, size: (lengthBytes: number) => string): string {
  const { originalLength, packedLength } = entry;
  const deleted = entry.deleted ? " (deleted)" : "";
  return `${entry.contentId} length ${size(originalLength)} packed ${size(packedLength)} ${compression(entry)} ${deleted}`;
}

function longRow(
  context: CommandContext,
  entry: ContentEntry,
  size: (lengthBytes: number) => string,
): string {
  const time = timestamp(context, BigInt(entry.timestampSeconds) * NS_PER_SECOND);
  const place = `${entry.packOffset}+${size(entry.packedLength)}`;
  const deleted = entry.deleted ? " (deleted)" : "";
  return `${entry.contentId} ${entry.originalLength} ${time} ${entry.packBlobId} ${place}${deleted} ${compression(entry)}`;
}

/** Name of the compressor and what it saved; `-` for uncompressed contents. */
function compression(entry: ContentEntry): string {
  const { compressionHeaderId, originalLength, packedLength } = entry;
  if (compressionHeaderId === 0) return "-";
  const name =
    compressorByHeaderId(compressionHeaderId)?.name ??
    `compression-${compressionHeaderId.toString(16)}`;
  return `${name} ${compressionPercent(originalLength, packedLength)}`;
}
