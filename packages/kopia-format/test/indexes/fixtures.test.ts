import { defaultFormatFixtureNames, fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { openFilesystemStorage } from "../../src/blob/filesystem-storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import {
  createIndexBlobManager,
  type IndexBlobManager,
} from "../../src/content/index-blob/index-blob-manager.ts";
import { loadRepositoryFormat } from "../../src/format/load-format.ts";
import {
  MAINTENANCE_BLOB_ID,
  decodeMaintenanceBlob,
  encodeMaintenanceBlob,
} from "../../src/format/maintenance-blob.ts";
import type { RepositoryFormat } from "../../src/format/repository-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { createContentEncryptor } from "../../src/repository/content-encryptor.ts";
import { visibleEntries } from "./epochs.ts";

/** Repositories of every kind whose indexes are whole. */
const others = fixtureNames(/^(fs-|damaged-(none|stray|future|pack|manifest|blobcfg-missing))/);
const names = [...new Set([...defaultFormatFixtureNames(), ...others])];

/** One row of the recorded `content list --json --deleted`. */
interface RecordedContent {
  readonly contentID: string;
  readonly packFile: string;
  readonly time: number;
  readonly originalLength: number;
  readonly length: number;
  readonly packOffset: number;
  readonly deleted: boolean;
  readonly formatVersion: number;
  readonly compression?: number;
}

async function openIndexes(
  path: string,
  password: string,
): Promise<{ format: RepositoryFormat; manager: IndexBlobManager; maintenance: Uint8Array }> {
  const storage = await openFilesystemStorage({ path, readOnly: true });
  const format = await loadRepositoryFormat(storage, password);
  const { hash, secret } = format.content;
  const manager = createIndexBlobManager({
    storage,
    format,
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, systemRandom),
    clock: systemClock,
    random: systemRandom,
  });
  return { format, manager, maintenance: await storage.get(MAINTENANCE_BLOB_ID) };
}

function entryOf(recorded: RecordedContent): ContentEntry {
  return {
    contentId: recorded.contentID,
    packBlobId: recorded.packFile,
    timestampSeconds: recorded.time,
    packOffset: recorded.packOffset,
    packedLength: recorded.length,
    originalLength: recorded.originalLength,
    deleted: recorded.deleted,
    compressionHeaderId: recorded.compression ?? 0,
    formatVersion: recorded.formatVersion,
    encryptionKeyId: 0,
  };
}

describe.each(names)("%s", (name) => {
  test("every entry of the index is as the real program listed it", async () => {
    const fixture = loadFixture(name);
    using repository = fixture.unpack();
    const { format, manager, maintenance } = await openIndexes(repository.path, fixture.password);
    const recorded = (fixture.full("contents") ??
      fixture.full("contentsBefore")) as RecordedContent[];
    expect(recorded.length).toBeGreaterThan(0);
    expect(await visibleEntries(manager)).toEqual(recorded.map(entryOf));
    expect(manager.scheme).toBe(format.content.epochParameters.enabled ? "epoch" : "v0");
    const schedule = decodeMaintenanceBlob(format, maintenance);
    expect(schedule.runs.size).toBeGreaterThan(0);
    const again = encodeMaintenanceBlob(format, schedule, systemRandom);
    expect(decodeMaintenanceBlob(format, again)).toEqual(schedule);
  });
});

test.each([
  ["damaged-format-flip", "FORMAT_CORRUPT"],
  ["damaged-format-truncated", "FORMAT_CORRUPT"],
  ["damaged-format-missing", "REPOSITORY_NOT_FOUND"],
  ["damaged-blobcfg-flip", "FORMAT_CORRUPT"],
  ["damaged-index-flip", "INDEX_CORRUPT"],
  ["damaged-index-truncated", "INDEX_CORRUPT"],
  ["damaged-index-zero-length", "INDEX_CORRUPT"],
])("%s is refused as %s", async (name, code) => {
  const fixture = loadFixture(name);
  using repository = fixture.unpack();
  const read = async (): Promise<unknown> =>
    visibleEntries((await openIndexes(repository.path, fixture.password)).manager);
  await expect(read()).rejects.toMatchObject({ code });
});
