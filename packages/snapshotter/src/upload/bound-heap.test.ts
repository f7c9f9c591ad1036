import { expect, test } from "vitest";
import { boundHeapOfLargeTrees } from "./bound-heap.ts";
import type { UploadProgress } from "./upload-observer.ts";

const PROGRESS: UploadProgress = {
  hashingFileCount: 0,
  uploadedBytes: 0,
  hashedFileCount: 0,
  hashedBytes: 0,
  cachedFileCount: 0,
  cachedBytes: 0,
  directoryCount: 0,
  excludedFileCount: 0,
  excludedDirectoryCount: 0,
  ignoredErrorCount: 0,
  fatalErrorCount: 0,
};

test("heaps are bound once, when files read and files known are 200,000", () => {
  const flags: string[] = [];
  const told: UploadProgress[] = [];
  const others: string[] = [];
  const observer = boundHeapOfLargeTrees(
    { progress: (progress) => told.push(progress), checkpointSaved: () => others.push("saved") },
    (flag) => flags.push(flag),
  );
  observer.checkpointSaved?.();
  expect(others).toEqual(["saved"]);
  observer.progress?.({ ...PROGRESS, hashedFileCount: 199_999 });
  expect(flags).toEqual([]);
  for (const cachedFileCount of [1, 2]) {
    observer.progress?.({ ...PROGRESS, hashedFileCount: 199_999, cachedFileCount });
  }
  expect(flags).toEqual(["--heap-growing-percent=50"]);
  expect(told.length).toBe(3);
});

test("V8 knows the flag, and nobody has to listen", () => {
  const observer = boundHeapOfLargeTrees({});
  expect(() => observer.progress?.({ ...PROGRESS, hashedFileCount: 200_000 })).not.toThrow();
});
