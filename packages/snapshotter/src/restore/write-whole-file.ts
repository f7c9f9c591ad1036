import type { OutputFile } from "./restore-output.ts";

/** Writes all bytes of a file that was opened; after a failure nothing looks whole. @throws what the output throws. */
export function writeWholeFile(file: OutputFile, data: Uint8Array): void {
  try {
    file.write(data);
    file.finish();
  } catch (error) {
    file.abort();
    throw error;
  }
}
