import { FakeClock } from "@kopia-engine/kopia-format/testing";
import type { UploadProgress } from "@kopia-engine/snapshotter";
import { expect, test } from "vitest";
import type { CommandContext } from "../../command-context.ts";
import { consoleFormatter } from "../../output/console-format.ts";
import { createLog } from "../../output/log.ts";
import { bytesFormatter } from "../../output/sizes.ts";
import { createStyle } from "../../output/style.ts";
import { UploadReporter } from "./create-progress.ts";

const PROGRESS: UploadProgress = {
  hashingFileCount: 2,
  uploadedBytes: 182,
  hashedFileCount: 3,
  hashedBytes: 22_400_000,
  cachedFileCount: 1,
  cachedBytes: 2_600_000,
  directoryCount: 1,
  excludedFileCount: 0,
  excludedDirectoryCount: 0,
  ignoredErrorCount: 0,
  fatalErrorCount: 0,
};

/** A reporter that updates its line every 300 ms, and what it showed. */
function reporterOf(shows: boolean): {
  readonly reporter: UploadReporter;
  readonly clock: FakeClock;
  readonly shown: () => string;
} {
  let text = "";
  const clock = new FakeClock();
  const format = consoleFormatter({ json: false, timestamps: false, nowMs: () => 0 });
  const log = createLog({
    sink: {
      isTerminal: shows,
      write(data) {
        text += String(data);
        return Promise.resolve();
      },
    },
    level: "info",
    progress: shows,
    json: false,
    format,
  });
  const context = {
    log,
    style: createStyle({ isTerminal: shows, force: false, disable: false, env: {} }),
    formatBytes: bytesFormatter({}),
    globals: { progressUpdateInterval: 300e6 },
  } as CommandContext;
  return { reporter: new UploadReporter(context, clock), clock, shown: () => text };
}

test("one line tells where the upload is; in the end all of it", () => {
  const { reporter, clock, shown } = reporterOf(true);
  reporter.measure({ totalBytes: 100_000_000, stop() {} });
  reporter.observer.progress?.(PROGRESS);
  reporter.observer.progress?.(PROGRESS);
  clock.advance(2_000_000_000n);
  reporter.observer.progress?.({ ...PROGRESS, ignoredErrorCount: 4, fatalErrorCount: 5 });
  reporter.observer.progress?.({ ...PROGRESS, hashingFileCount: 0, hashedBytes: 97_400_000 });
  reporter.finish();
  const [, first, second, third, ...more] = shown().split("\r");
  const counts = "3 hashed (22.4 MB), 1 cached (2.6 MB), uploaded 182 B";
  expect(first).toBe(` | 2 hashing, ${counts}, estimating...`);
  expect(second).toBe(
    ` / 2 hashing, ${counts} (5 fatal errors) (4 errors ignored), estimated 100 MB (25.0%) 6s left`,
  );
  expect(third?.trimEnd()).toBe(
    " * 0 hashing, 3 hashed (97.4 MB), 1 cached (2.6 MB), uploaded 182 B, estimated 100 MB (100.0%) 0s left",
  );
  expect(third).toHaveLength(second?.length ?? 0);
  expect(more).toEqual([]);
});

test("an error ends the line and is coloured; without progress it is told as it is", () => {
  const on = reporterOf(true);
  on.reporter.observer.progress?.(PROGRESS);
  on.reporter.observer.failed?.({ path: "a", error: "gone", ignored: false });
  on.reporter.observer.failed?.({ path: "b", error: "gone", ignored: true });
  expect(on.shown().split("\n").slice(1)).toEqual([
    '\u001B[91m ! Error when processing "a": gone\u001B[0m',
    '\u001B[93m ! Ignored error when processing "b": gone\u001B[0m',
    "",
  ]);
  const off = reporterOf(false);
  expect(Object.keys(off.reporter.observer)).not.toContain("progress");
  off.reporter.observer.failed?.({ path: "a", error: "gone", ignored: false });
  off.reporter.finish();
  expect(off.shown()).toBe('Error when processing "a": gone\n');
});
