import type {
  BlobStorage,
  ContentId,
  ContentReader,
  ObjectStore,
  RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { DIRECT_OBJECT_ID } from "../model/direct-object-id.ts";

/** Objects above this size are read piece by piece. */
export const MAX_WHOLE_BYTES = 2 ** 23;

/** The part of a repository that reading data needs; a `Repository` and a `WriteSession` fit. */
export interface ReadableRepository {
  readonly objects: ObjectStore;
  readonly contents: ContentReader;
  /** With both, contents are read by threads where the storage allows it. */
  readonly storage?: BlobStorage;
  readonly format?: RepositoryFormat;
}

/** What to do with the objects of a batch. */
export interface ObjectSink<Item> {
  objectIdOf(item: Item): string;
  sizeBytesOf(item: Item): number;
  /** The whole object, in reading order. The bytes may be shared by several items. */
  whole(item: Item, data: Uint8Array): void;
  /** A large object, as it comes. */
  pieces(item: Item, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** The object cannot be read. */
  failed(item: Item, error: Error): void;
}

/**
 * Reads the objects of many items: those that are one content together, in pack order and one range
 * for neighbours (design §4.6), the others after them. Each item ends in exactly one call of the sink;
 * what the sink throws ends the whole.
 */
export async function readObjects<Item>(
  repository: ReadableRepository,
  items: readonly Item[],
  sink: ObjectSink<Item>,
): Promise<void> {
  const byContent = new Map<ContentId, Item[]>();
  const others: Item[] = [];
  for (const item of items) {
    const objectId = sink.objectIdOf(item);
    if (!DIRECT_OBJECT_ID.test(objectId) || sink.sizeBytesOf(item) > MAX_WHOLE_BYTES) {
      others.push(item);
      continue;
    }
    const sharing = byContent.get(objectId);
    if (sharing === undefined) byContent.set(objectId, [item]);
    else sharing.push(item);
  }
  if (byContent.size > 0) {
    for await (const result of repository.contents.getContents(byContent.keys())) {
      for (const item of byContent.get(result.contentId) ?? []) {
        if (result.error === undefined) sink.whole(item, result.data);
        else sink.failed(item, result.error);
      }
    }
  }
  for (const item of others) await readOther(repository, item, sink);
}

async function readOther<Item>(
  repository: ReadableRepository,
  item: Item,
  sink: ObjectSink<Item>,
): Promise<void> {
  let reader: Awaited<ReturnType<typeof repository.objects.openObject>>;
  try {
    reader = await repository.objects.openObject(sink.objectIdOf(item));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    sink.failed(item, error);
    return;
  }
  await sink.pieces(item, reader.chunks());
}
