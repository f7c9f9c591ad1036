import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import {
  COMPRESSOR_NAMES,
  compressorByHeaderId,
  compressorByName,
} from "../../src/compression/registry.ts";
import { openFilesystemRepository } from "../../src/repository/filesystem-repository.ts";

interface ListedSnapshot {
  readonly rootEntry: { readonly obj: string };
}

interface Listing {
  readonly entries: readonly {
    readonly name: string;
    readonly type: string;
    readonly obj: string;
  }[];
}

/** Each directory of these snapshots was stored by the original under a policy that names the compressor as the directory. */
test.each(fixtureNames(/^fs-v0231-compressors$|compressors-lz4$/))(
  "%s: each name has the header ID that the original gave its data",
  { timeout: 60_000 },
  async (name) => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
    });
    const { objects, contents } = repository;
    const read = async (id: string): Promise<Listing> =>
      JSON.parse(Buffer.from(await objects.readObject(id)).toString()) as Listing;
    const snapshots = fixture.full("snapshots") as readonly ListedSnapshot[];
    const seen = new Map<string, Set<number>>();
    const walk = async (id: string, compressor: string): Promise<void> => {
      for (const entry of (await read(id)).entries) {
        if (entry.type === "d") await walk(entry.obj, entry.name);
        if (entry.type !== "f") continue;
        const info = contents.getContentInfo(entry.obj);
        const ids = seen.get(compressor) ?? new Set();
        if (info !== undefined && info.compressionHeaderId !== 0) ids.add(info.compressionHeaderId);
        seen.set(compressor, ids);
      }
    };
    for (const { rootEntry } of snapshots) await walk(rootEntry.obj, "");
    const named = [...seen].filter(
      ([compressor]) => compressor === "lz4" || compressorByName(compressor) !== undefined,
    );
    // Data that two directories share was compressed once, by the first of them: a name's own ID is among those seen.
    for (const [compressor, ids] of named) {
      const expected = compressorByName(compressor)?.headerId ?? 0x1400;
      if (ids.size > 0) expect([...ids], compressor).toContain(expected);
      expect(compressorByHeaderId(expected)?.name).toBe(compressor);
    }
    const proven = new Set(
      named.filter(([, ids]) => ids.size > 0).map(([compressor]) => compressor),
    );
    expect(COMPRESSOR_NAMES.filter((compressor) => !proven.has(compressor))).toEqual([]);
  },
);
