import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory that is removed at the end of its scope. */
export interface TempDirectory extends Disposable {
  readonly path: string;
  /** Path of something in it. */
  join(...names: string[]): string;
}

/** Makes a directory for one test. */
export function tempDirectory(): TempDirectory {
  const path = mkdtempSync(join(tmpdir(), "snapshotter-"));
  return {
    path,
    join: (...names) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
