import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fuzzRuns } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import type { FuzzReport } from "./fuzz/run-targets.ts";

const runs = fuzzRuns(150);
/** Heap of the process, in MiB: what would take more ends it. */
const HEAP_MIB = 192;
/** What inputs of at most 64 KiB may cost beyond what real ones do, all targets together. */
const MAX_PEAK_GROWTH_MIB = 256;

/** Every parser that the product has for bytes from a storage or from a user. */
const PARSERS = [
  "format blob",
  "content format",
  "blob config",
  "maintenance schedule",
  "format copy",
  "index v1",
  "index v2",
  "epoch names",
  "compaction log",
  "cleanup log",
  "session marker",
  "pack tail",
  "local index",
  "content",
  "indirect object",
  "directory",
  "objects of a directory",
  "manifest content",
  "manifest document",
  "snapshot manifest",
  "policy",
  "maintenance parameters",
  "ignore file",
  "JSON",
  "zstd (fast)",
  "zstd (portable)",
  "s2-default (fast)",
  "s2-default (portable)",
  "gzip (fast)",
  "pgzip (fast)",
  "deflate-default (fast)",
  "lz4 (portable)",
  "error correction",
  "shards",
  "connection",
  "token",
  "token document",
];

test(
  "damaged and made-up inputs give values or typed errors, in bounded memory, by every parser",
  { timeout: 60_000 + runs * 2000 },
  async () => {
    // A process of its own: its peak is that of the parsers alone, and a hang ends with the test.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        `--max-old-space-size=${HEAP_MIB}`,
        fileURLToPath(new URL("fuzz/main.ts", import.meta.url)),
        "--rounds=1",
        `--runs=${runs}`,
      ],
      { maxBuffer: 2 ** 26 },
    );
    const reports = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as FuzzReport);
    expect(reports.map(({ name }) => name)).toEqual(expect.arrayContaining(PARSERS));
    for (const report of reports) {
      expect(report.crashes, report.name).toEqual([]);
      expect(report.acceptedSeeds, report.name).toBeGreaterThan(0);
      expect(report.peakGrowthMib, report.name).toBeLessThan(MAX_PEAK_GROWTH_MIB);
      expect(report.accepted + report.refused, report.name).toBe(runs);
    }
  },
);
