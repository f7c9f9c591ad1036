import type { BlobMetadata } from "../../../blob/storage.ts";

/**
 * The first complete set among blobs, in the order given (spec 1 §8.4.2): the group that one operation
 * wrote, told by the session part of the names, as large as the count in the name of the member that
 * completes it. A blob whose name does not follow the pattern is a complete set by itself.
 */
export function firstCompleteSet(
  blobs: readonly BlobMetadata[],
): readonly BlobMetadata[] | undefined {
  const groups = new Map<string, BlobMetadata[]>();
  for (const blob of blobs) {
    const member = parseMember(blob.id);
    if (member === undefined) return [blob];
    const group = groups.get(member.session) ?? [];
    group.push(blob);
    groups.set(member.session, group);
    if (group.length === member.count) return group;
  }
  return undefined;
}

function parseMember(id: string): { session: string; count: number } | undefined {
  const [, session, count] = id.split("-");
  if (session === undefined || count === undefined || !session.startsWith("s")) return undefined;
  const digits = /^c(\d{1,9})$/.exec(count)?.[1];
  return digits === undefined ? undefined : { session, count: Number(digits) };
}
