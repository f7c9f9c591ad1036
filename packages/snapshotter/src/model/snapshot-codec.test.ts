import { goStringify, isKopiaError, parseGoTime } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeSnapshotManifest,
  encodeSnapshotManifest,
  snapshotLabels,
  snapshotToJson,
} from "./snapshot-codec.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 100);

const SUMMARY = `{"size":5,"files":1,"symlinks":0,"dirs":1,"maxTime":"2024-01-02T03:04:05.12Z","numFailed":0}`;
/** The example of spec 2 §5.1. */
const EXAMPLE = `{"id":"","source":{"host":"h","userName":"u","path":"/p"},"description":"","startTime":"2024-01-02T03:04:05.123456789Z","endTime":"2024-01-02T03:04:06.1Z","stats":{"totalSize":5,"excludedTotalSize":0,"fileCount":1,"cachedFiles":0,"nonCachedFiles":1,"dirCount":1,"excludedFileCount":0,"excludedDirCount":0,"ignoredErrorCount":0,"errorCount":0},"rootEntry":{"name":"p","type":"d","mode":"0755","mtime":"2024-01-02T03:04:05.12Z","uid":1000,"gid":100,"obj":"kcc","summ":${SUMMARY}},"tags":{"tag:k":"v"},"pins":["keep"]}`;

describe("the example of spec 2 §5.1", () => {
  const manifest = decodeSnapshotManifest(EXAMPLE, "abc");

  test("is read", () => {
    expect(manifest).toMatchObject({
      id: "abc",
      source: { host: "h", userName: "u", path: "/p" },
      startTime: parseGoTime("2024-01-02T03:04:05.123456789Z"),
      incompleteReason: "",
      pins: ["keep"],
    });
    expect(manifest.tags["tag:k"]).toBe("v");
    expect(manifest.rootEntry?.summary?.fileCount).toBe(1);
  });

  test("is written back byte for byte, without the ID", () => {
    expect(encodeSnapshotManifest(manifest)).toBe(EXAMPLE);
  });

  test("is shown with its ID and, if wanted, without statistics", () => {
    const shown = goStringify(snapshotToJson(manifest, { withStats: false }));
    expect(shown).toBe(EXAMPLE.replace('"id":""', '"id":"abc"').replace(/"stats":\{[^}]*\},/, ""));
  });

  test("has labels of source and tags", () => {
    expect({ ...snapshotLabels(manifest) }).toEqual({
      type: "snapshot",
      hostname: "h",
      username: "u",
      path: "/p",
      "tag:k": "v",
    });
  });
});

test("reads without regard to case, ignores unknown fields, accepts other zones", () => {
  const manifest = decodeSnapshotManifest(
    `{"SOURCE":{"Host":"h"},"StartTime":"2024-01-02T05:04:05+02:00","later":[1],"rootEntry":null}`,
    "m",
  );
  expect(manifest.source).toEqual({ userName: "", host: "h", path: "" });
  expect(manifest.startTime).toBe(parseGoTime("2024-01-02T03:04:05Z"));
  expect(manifest).not.toHaveProperty("rootEntry");
});

test("a source name that is not UTF-8 is escaped byte by byte", () => {
  const manifest: SnapshotManifest = {
    ...decodeSnapshotManifest(EXAMPLE, ""),
    rootEntry: {
      name: "\ufffd",
      nameBytes: Uint8Array.of(0xff),
      type: "d",
      mode: 0,
      sizeBytes: 0n,
      modTime: 0n,
      uid: 0,
      gid: 0,
      objectId: "k1",
    },
  };
  expect(encodeSnapshotManifest(manifest)).toContain(String.raw`"rootEntry":{"name":"\ufffd",`);
});

test("tags with odd keys neither vanish nor reach a prototype", () => {
  const text = EXAMPLE.replace('{"tag:k":"v"}', '{"__proto__":"x","b":"2","a":"1"}');
  const manifest = decodeSnapshotManifest(text, "");
  expect(Object.keys(manifest.tags).sort()).toEqual(["__proto__", "a", "b"]);
  // Keys of tags are written sorted, as Go does with maps.
  expect(encodeSnapshotManifest(manifest)).toContain('"tags":{"__proto__":"x","a":"1","b":"2"}');
});

test("arbitrary text gives a manifest or SNAPSHOT_INVALID", () => {
  const mutated = fc
    .tuple(fc.nat({ max: EXAMPLE.length - 1 }), fc.string({ maxLength: 3 }))
    .map(([at, insert]) => EXAMPLE.slice(0, at) + insert + EXAMPLE.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mutated), (text) => {
      try {
        expect(decodeSnapshotManifest(text, "m").id).toBe("m");
      } catch (error) {
        expect(isKopiaError(error, "SNAPSHOT_INVALID")).toBe(true);
      }
    }),
    { numRuns: numRuns * 3 },
  );
});
