import { setFlagsFromString } from "node:v8";
import type { UploadObserver } from "./upload-observer.ts";

/** From so many files on memory is scarcer than time: the index alone takes tens of MiB. */
const LARGE_TREE_FILES = 200_000;

/**
 * For programs, not libraries: once an upload proves large, the JavaScript heaps of the whole process may only grow by
 * half before they are collected. Left alone they triple, which is 25 to 40 MiB of garbage.
 * @param observer gets everything as before.
 * @param setFlag sets a flag of V8.
 */
export function boundHeapOfLargeTrees(
  observer: UploadObserver,
  setFlag: (flag: string) => void = setFlagsFromString,
): UploadObserver {
  let isBound = false;
  return {
    ...observer,
    progress(progress) {
      if (!isBound && progress.hashedFileCount + progress.cachedFileCount >= LARGE_TREE_FILES) {
        isBound = true;
        setFlag("--heap-growing-percent=50");
      }
      observer.progress?.(progress);
    },
  };
}
