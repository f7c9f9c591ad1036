import { basename } from "node:path";
import { expect, test } from "vitest";
import {
  SPLITTER_NAMES,
  openFilesystemRepository,
  splitterFactory,
} from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";

// Files as the real program cut them, one repository for each splitter.
interface Cuts {
  readonly splitter: string;
  /** End offsets of all chunks, the last one included, by file name. */
  readonly files: Readonly<Record<string, readonly number[]>>;
}
type StoredFiles = ReadonlyArray<{ readonly path: string; readonly objectID: string }>;

const names = fixtureNames(/^fs-v0231-splitter-/);

test.skipIf(!process.env["KOPIA_FIXTURES"])(
  "every splitter has a fixture (needs KOPIA_FIXTURES)",
  () => {
    expect(names.length).toBe(SPLITTER_NAMES.length);
  },
);

for (const name of names) {
  test(`${name}: our cuts are those of the repository`, async () => {
    const fixture = loadFixture(name);
    const cuts = fixture.full("cuts") as Cuts;
    const unpacked = fixture.unpack();
    try {
      const repository = await openFilesystemRepository({
        path: unpacked.path,
        password: fixture.password,
      });
      const factory = splitterFactory(cuts.splitter)!;
      let comparedCount = 0;
      for (const file of fixture.full("objects") as StoredFiles) {
        const expected = cuts.files[basename(file.path)];
        if (expected === undefined) continue;
        const data = await repository.objects.readObject(file.objectID);
        const splitter = factory.create();
        const ends: number[] = [];
        let position = 0;
        for (let length = 0; length >= 0;) {
          length = splitter.nextSplitPoint(data, position, data.length);
          if (length >= 0) ends.push((position += length));
        }
        if (position < data.length) ends.push(data.length);
        expect(ends).toEqual(expected);
        const pieces = await repository.objects.objectPieces(file.objectID);
        expect(pieces.map((piece) => piece.offsetBytes + piece.lengthBytes)).toEqual(expected);
        comparedCount++;
      }
      expect(comparedCount).toBeGreaterThan(0);
      await repository[Symbol.asyncDispose]();
    } finally {
      unpacked.dispose();
    }
  });
}
