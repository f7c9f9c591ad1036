import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesEqual, concatBytes, type Bytes } from "../base/bytes.ts";
import { compressorByHeaderId } from "../compression/registry.ts";
import { FixedSplitter } from "../splitter/fixed-splitter.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { MemoryContents } from "../testing/memory-contents.ts";
import { seededBytes } from "../testing/seeded.ts";
import { ContentObjectWriterStore } from "./content-object-writer-store.ts";

const numRuns = fuzzRuns(100);

function openStore(): ContentObjectWriterStore {
  return new ContentObjectWriterStore(new MemoryContents(), {
    compressorByHeaderId,
    splitterFactory: (name) => {
      const segmentBytes = Number(name);
      if (!(segmentBytes > 0)) return undefined;
      return { name, provider: "portable", create: () => new FixedSplitter(segmentBytes) };
    },
    defaultSplitter: "500",
    indexVersion: 2,
  });
}

const object = fc.record({
  seed: fc.nat(1000),
  lengthBytes: fc.nat(3000),
  splitter: fc.integer({ min: 1, max: 700 }).map(String),
  prefix: fc.constantFrom("", "k"),
});

test("what is written in any slices is read back in any ranges", async () => {
  const slices = fc.array(fc.nat(400), { maxLength: 20 });
  const ranges = fc.array(fc.tuple(fc.nat(3100), fc.nat(1500)), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(object, slices, ranges, async (options, sliceLengths, wanted) => {
      const store = openStore();
      const data = seededBytes(options.seed, options.lengthBytes);
      const writer = store.createWriter(options);
      let written = 0;
      for (const length of sliceLengths) {
        writer.write(data.subarray(written, written + length));
        written = Math.min(data.length, written + length);
      }
      writer.write(data.subarray(written));
      const id = writer.finish();
      expect(id).toBe(store.writeObject(data, options));
      const reader = await store.openObject(id);
      expect(reader.lengthBytes).toBe(data.length);
      for (const [offset, length] of wanted) {
        const part = await reader.read(offset, length);
        expect(bytesEqual(part, data.subarray(offset, offset + length))).toBe(true);
      }
      const chunks: Bytes[] = [];
      for await (const chunk of reader.chunks()) chunks.push(chunk);
      expect(bytesEqual(concatBytes(...chunks), data)).toBe(true);
    }),
    { numRuns },
  );
});

test("concatenated objects read as their parts one after another", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(object, { minLength: 1, maxLength: 5 }), async (objects) => {
      const store = openStore();
      const parts = objects.map(({ seed, lengthBytes }) => seededBytes(seed, lengthBytes));
      const ids = parts.map((part, index) => store.writeObject(part, objects[index]));
      const id = await store.concatenate(ids);
      expect(bytesEqual(await store.readObject(id), concatBytes(...parts))).toBe(true);
      // Joining what was joined gives the same bytes again.
      const twice = await store.concatenate([id, id]);
      expect(bytesEqual(await store.readObject(twice), concatBytes(...parts, ...parts))).toBe(true);
    }),
    { numRuns },
  );
});
