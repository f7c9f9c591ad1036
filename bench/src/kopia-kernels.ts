import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Throughputs that the real program prints for the same kernels, one worker each, by kind and name. */
export function kopiaFigures(kopiaExe: string, corpus: Uint8Array): Map<string, number> {
  const directory = mkdtempSync(join(tmpdir(), "kernels-"));
  const env = { KOPIA_CHECK_FOR_UPDATES: "false", KOPIA_CACHE_DIRECTORY: join(directory, "cache") };
  const run = (...args: string[]): string =>
    execFileSync(
      kopiaExe,
      ["--config-file", join(directory, "none"), "benchmark", ...args, "--parallel", "1"],
      { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
  try {
    const corpusPath = join(directory, "corpus");
    writeFileSync(corpusPath, corpus);
    // With every algorithm it stops at one that it knows by name only.
    const algorithms = ["--algorithms", "zstd,s2,gzip,pgzip,deflate", "--deprecated"];
    const compression = (operation: string): string =>
      run("compression", "--data-file", corpusPath, "--operations", operation, ...algorithms);
    return new Map([
      ...parseFigures("hash", run("hashing")),
      ...parseFigures("cipher", run("encryption")),
      ...parseFigures("crypto", run("crypto")),
      ...parseFigures("splitter", run("splitter", "--block-count", "4")),
      ...parseFigures("compress", compression("compress")),
      ...parseFigures("decompress", compression("decompress")),
      ...parseEccFigures(run("ecc", "--repeat", "20")),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Rows such as ` 0. BLAKE2B-256 AES256-… 697.9 MB / second` and `DYNAMIC 542.9 MB/s count:26`. */
export function parseFigures(kind: string, table: string): Map<string, number> {
  const figures = new Map<string, number>();
  for (const line of table.split("\n")) {
    const match = /^(?:\s*\d+\.)?\s*([A-Za-z].*?)\s+([\d.]+) ([KMGT]?B)\s*\/ ?s/.exec(line);
    const unit = UNITS[match?.[3] ?? ""];
    if (match === null || unit === undefined) continue;
    // Compressors print their size between name and throughput.
    const name = match[1]!.replace(/\s+[\d.]+ [KMGT]?B$/, "").replace(/\s+/g, " ");
    figures.set(`${kind} ${name}`, Number(match[2]) * unit);
  }
  return figures;
}

/** Rows such as ` 0. REED-SOLOMON-CRC32 - 2%  2.2 GB/s  1.9 GB/s  2% [1.1 MB]`: encoding, then decoding. */
export function parseEccFigures(table: string): Map<string, number> {
  const figures = new Map<string, number>();
  const row = /^\s*\d+\.\s*(\S+ - \d+%)\s+([\d.]+) ([KMGT]?B)\/s\s+([\d.]+) ([KMGT]?B)\/s/;
  for (const line of table.split("\n")) {
    const match = row.exec(line);
    if (match === null) continue;
    const [, name, encode, encodeUnit = "B", decode, decodeUnit = "B"] = match;
    figures.set(`ecc encode ${name}`, Number(encode) * (UNITS[encodeUnit] ?? 1));
    figures.set(`ecc decode ${name}`, Number(decode) * (UNITS[decodeUnit] ?? 1));
  }
  return figures;
}
