import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  COMPRESSOR_NAMES,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  SPLITTER_NAMES,
} from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { createWorkplace, type RunResult } from "../../../test/run-kopia.ts";

const SPEED = String.raw`\d+(\.\d)? [KMGT]?B`;

async function benchmark(...words: readonly string[]): Promise<RunResult> {
  using place = createWorkplace();
  writeFileSync(join(place.path, "data"), "some text that repeats itself, ".repeat(4000));
  return await place.run(["benchmark", ...words], { plain: true });
}

/** Names of the numbered rows, each of which must match. */
function rowsOf({ stdout }: RunResult, row: RegExp): string[] {
  const numbered = stdout.split("\n").filter((line) => /^ *\d+\. /.test(line));
  return numbered.map((line, number) => {
    const match = row.exec(line);
    expect(line).toMatch(row);
    expect(Number(line.slice(0, 3))).toBe(number);
    return match?.[1] ?? "";
  });
}

const sorted = (names: readonly string[]): string[] => names.toSorted((a, b) => (a < b ? -1 : 1));

test("hashing: every hash once, fastest first, and the flag that chooses it", async () => {
  const result = await benchmark("hashing", "--repeat=1", "--block-size=10KB", "--print-options");
  expect(result.exitCode).toBe(0);
  const row = new RegExp(String.raw`^ *\d+\. (\S+) +${SPEED} / second,   --block-hash=\1$`);
  expect(sorted(rowsOf(result, row))).toEqual(sorted(HASH_NAMES));
  const lines = result.stdout.split("\n");
  expect(lines[0]).toBe("     Hash                 Throughput");
  expect(lines[1]).toBe("-".repeat(65));
  const fastest = /\. (\S+)/.exec(lines[2] ?? "")?.[1];
  expect(lines.at(-2)).toBe(`Fastest option for this machine is: --block-hash=${fastest}`);
  expect(result.stderr).toContain(
    "Benchmarking hash 'BLAKE2B-256' (1 x 10240 bytes, parallelism 1)\n",
  );
});

test("encryption and crypto: every cipher, every pair", async () => {
  const block = ["--repeat=1", "--block-size=10KB"];
  const ciphers = await benchmark("encryption", ...block);
  const cipherRow = new RegExp(String.raw`^ *\d+\. (\S+) +${SPEED} / second$`);
  expect(sorted(rowsOf(ciphers, cipherRow))).toEqual(sorted(ENCRYPTION_NAMES));
  const pairs = await benchmark("crypto", ...block);
  const pairRow = new RegExp(String.raw`^ *\d+\. (\S+ +\S+) +${SPEED} / second$`);
  expect(new Set(rowsOf(pairs, pairRow)).size).toBe(HASH_NAMES.length * ENCRYPTION_NAMES.length);
  expect(pairs.stderr).toContain(
    "Benchmarking hash 'BLAKE2B-256' and encryption 'AES256-GCM-HMAC-SHA256'... (1 x 10240 bytes, parallelism 1)\n",
  );
});

test("ecc: five overheads with their growth", async () => {
  const result = await benchmark("ecc", "--repeat=1", "--block-size=100KB");
  const row = new RegExp(
    String.raw`^ *\d+\. (REED-SOLOMON-CRC32 - \d+%) +${SPEED}/s +${SPEED}/s +\d+% \[${SPEED}\]$`,
  );
  expect(rowsOf(result, row)).toHaveLength(5);
  // As the original prints it for this size.
  expect(result.stdout).toMatch(/- 1% .* 2% \[104\.4 KB\]\n/);
  expect(result.stdout).toMatch(/- 20% .* 21% \[123\.8 KB\]\n/);
});

test("splitter: count and percentiles of segments, by name and by speed", async () => {
  const result = await benchmark(
    "splitter",
    "--data-size=1.5MB",
    "--block-count=2",
    "--print-options",
  );
  expect(result.stderr).toBe("splitting 2 blocks of 1MiB512KiB each, parallelism 1\n");
  const segments = String.raw`count:\d+ min:\d+ 10th:\d+ 25th:\d+ 50th:\d+ 75th:\d+ 90th:\d+ max:\d+`;
  const row = new RegExp(String.raw`^ *\d+\. (\S+) +${SPEED} +/s ${segments}$`);
  expect(sorted(rowsOf(result, row))).toEqual(sorted(SPLITTER_NAMES));
  expect(result.stdout).toMatch(/^FIXED-1M .*\/s count:4 min:524288 10th:524288 .* max:1048576$/m);
  expect(result.stdout).toMatch(/machine is: --object-splitter=DYNAMIC-\S+\n$/);
});

test("compression: sizes, chosen algorithms, deprecated ones only on request", async () => {
  const result = await benchmark(
    "compression",
    "--data-file=data",
    "--repeat=1",
    "--by-size",
    "--verify-stable",
  );
  expect(result.exitCode).toBe(0);
  const row = new RegExp(String.raw`^ *\d+\. (\S+) +${SPEED} +${SPEED}/s +- +-( \(deprecated\))?$`);
  const names = rowsOf({ ...result, stdout: result.stdout.split("Compression")[1] ?? "" }, row);
  expect(sorted(names)).toEqual(
    COMPRESSOR_NAMES.filter((name) => name !== "zstd-best-compression"),
  );
  const chosen = await benchmark(
    "compression",
    "--data-file=data",
    "--repeat=1",
    "--operations=compress",
    "--algorithms=zstd",
  );
  expect(rowsOf(chosen, row)).toHaveLength(4);
  expect(chosen.stdout).toContain("(deprecated)");
  expect(chosen.stderr).toContain(
    'Compressing input file "data" (124 KB) using 4 compression methods.\n',
  );
});

test("several threads do the same work each", async () => {
  const result = await benchmark("encryption", "--repeat=2", "--block-size=10KB", "--parallel=2");
  expect(result.exitCode).toBe(0);
  expect(result.stdout).not.toContain(" 0 B / second");
});

test("what cannot be measured is told", async () => {
  const noFile = await benchmark("compression", "--data-file=nope");
  expect(noFile.exitCode).toBe(1);
  expect(noFile.stderr).toBe("kopia: error: path 'nope' does not exist, try --help\n");
  const noUnit = await benchmark("hashing", "--block-size=100");
  expect(noUnit.stderr).toBe("kopia: error: units: unknown unit  in 100, try --help\n");
  const nothing = await benchmark("encryption", "--repeat=0");
  expect(nothing.stdout).toContain(" 0 B / second");
});
