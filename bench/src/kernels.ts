import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  COMPRESSOR_NAMES,
  DEFAULT_ENCRYPTION,
  DEFAULT_HASH,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  SPLITTER_NAMES,
  compressorByName,
  createEncryptor,
  createHashFunction,
  splitterFactory,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";

/** What to measure, and how long for. */
export interface KernelOptions {
  /** Shortest time spent on one row; the best pass of it counts. */
  readonly minMs: number;
  /** The real program, for its figures beside ours; without it ours stand alone. */
  readonly kopiaExe: string | undefined;
  /** Rows whose name holds this text; all when empty. */
  readonly filter: string;
}

/** One measured kernel. */
export interface KernelRow {
  readonly kind: "hash" | "cipher" | "crypto" | "splitter" | "compress" | "decompress";
  readonly name: string;
  readonly bytesPerSecond: number;
  /** Output over input, of compressors. */
  readonly ratio?: number;
  /** The real program's figure for the same work, from its own `benchmark` commands. */
  readonly kopiaBytesPerSecond?: number;
}

type KernelKind = KernelRow["kind"];

// The shapes of the real program's `benchmark` commands: blocks of 1 MiB of zeros for hashes and
// ciphers, random bytes for splitters, one file in memory for compressors.
const BLOCK_BYTES = 2 ** 20;
const SMALL_BYTES = 1000;
const SPLITTER_BYTES = 2 ** 25;
const CORPUS_BYTES = 2 ** 23;
const ZERO_KEY = new Uint8Array(32);
const CONTENT_IV = new Uint8Array(16);

/** Measures every kernel on one core and hands each row on as it is ready. */
export async function runKernels(
  options: KernelOptions,
  onRow: (row: KernelRow) => void,
): Promise<void> {
  const kopia = options.kopiaExe === undefined ? new Map() : kopiaFigures(options.kopiaExe);
  const measure = (kind: KernelKind, name: string, work: Work): void => {
    if (!`${kind} ${name}`.includes(options.filter)) return;
    const bytesPerSecond = bestThroughput(work, options.minMs);
    const theirs = kopia.get(`${kind} ${name}`) as number | undefined;
    onRow({
      kind,
      name,
      bytesPerSecond,
      ...(work.ratio === undefined ? {} : { ratio: work.ratio }),
      ...(theirs === undefined ? {} : { kopiaBytesPerSecond: theirs }),
    });
  };
  await measureCrypto(measure);
  measureSplitters(measure);
  measureCompressors(measure);
}

/** The corpus of the compressors: text-like and binary-like parts with repeats near and far. */
export function compressionCorpus(lengthBytes: number): Uint8Array {
  const corpus = seededBytes(5, lengthBytes).map((byte) => 97 + (byte & 15));
  const noise = seededBytes(6, lengthBytes);
  for (let offset = 4096; offset + 64 <= lengthBytes; offset += 96) {
    const back = 1 + (((noise[offset]! << 8) | noise[offset + 1]!) % Math.min(offset, 65_000));
    corpus.copyWithin(offset, offset - back, offset - back + 20 + (noise[offset + 2]! & 31));
  }
  return corpus;
}

interface Work {
  readonly bytes: number;
  readonly run: () => void;
  readonly ratio?: number;
}
type Measure = (kind: KernelKind, name: string, work: Work) => void;

function bestThroughput(work: Work, minMs: number): number {
  let bestMs = Infinity;
  const end = performance.now() + minMs;
  const passes = Math.max(1, Math.round(BLOCK_BYTES / work.bytes));
  do {
    const start = performance.now();
    for (let i = 0; i < passes; i++) work.run();
    bestMs = Math.min(bestMs, (performance.now() - start) / passes);
  } while (performance.now() < end);
  return (work.bytes / bestMs) * 1000;
}

async function measureCrypto(measure: Measure): Promise<void> {
  const block = new Uint8Array(BLOCK_BYTES);
  const small = block.subarray(0, SMALL_BYTES);
  const output = new Uint8Array(BLOCK_BYTES + 64);
  for (const name of HASH_NAMES) {
    const hash = await createHashFunction(name, ZERO_KEY);
    measure("hash", name, { bytes: block.length, run: () => hash.hash(block) });
    if (name !== DEFAULT_HASH) continue;
    measure("hash", `${name} of 1000 B`, { bytes: small.length, run: () => hash.hash(small) });
  }
  for (const name of ENCRYPTION_NAMES) {
    const cipher = createEncryptor(name, ZERO_KEY);
    const seal = (data: Uint8Array): number => cipher.encryptInto(data, CONTENT_IV, output);
    measure("cipher", name, { bytes: block.length, run: () => seal(block) });
    if (name !== DEFAULT_ENCRYPTION) continue;
    measure("cipher", `${name} of 1000 B`, { bytes: small.length, run: () => seal(small) });
  }
  for (const hashName of HASH_NAMES) {
    const hash = await createHashFunction(hashName, ZERO_KEY);
    for (const cipherName of ENCRYPTION_NAMES) {
      const cipher = createEncryptor(cipherName, ZERO_KEY);
      measure("crypto", `${hashName} ${cipherName}`, {
        bytes: block.length,
        run: () => cipher.encryptInto(block, hash.hash(block).subarray(-16), output),
      });
    }
  }
}

function measureSplitters(measure: Measure): void {
  const data = seededBytes(42, SPLITTER_BYTES);
  for (const name of SPLITTER_NAMES) {
    const splitter = splitterFactory(name)!.create();
    const run = (): void => {
      splitter.reset();
      for (let position = 0, length = 0; length >= 0; position += length) {
        length = splitter.nextSplitPoint(data, position, data.length);
      }
    };
    measure("splitter", name, { bytes: data.length, run });
  }
}

function measureCompressors(measure: Measure): void {
  const corpus = compressionCorpus(CORPUS_BYTES);
  for (const name of COMPRESSOR_NAMES) {
    const compressor = compressorByName(name)!;
    for (const [label, data] of [
      [name, corpus],
      [`${name} of 1000 B`, corpus.subarray(5000, 6000)],
    ] as const) {
      const packed = compressor.compress(data);
      const bytes = data.length;
      const ratio = packed.length / bytes;
      measure("compress", label, { bytes, ratio, run: () => compressor.compress(data) });
      const unpack = (): Uint8Array => compressor.decompress(packed, bytes);
      measure("decompress", label, { bytes, run: () => unpack() });
    }
  }
}

/** Throughputs that the real program prints for the same kernels, one worker each. */
function kopiaFigures(kopiaExe: string): Map<string, number> {
  const directory = mkdtempSync(join(tmpdir(), "kernels-"));
  const env = { KOPIA_CHECK_FOR_UPDATES: "false", KOPIA_CACHE_DIRECTORY: join(directory, "cache") };
  const run = (...args: string[]): string =>
    execFileSync(
      kopiaExe,
      ["--config-file", join(directory, "none"), "benchmark", ...args, "--parallel", "1"],
      {
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
  try {
    const corpusPath = join(directory, "corpus");
    writeFileSync(corpusPath, compressionCorpus(CORPUS_BYTES));
    // With every algorithm it stops at one that it knows by name only.
    const algorithms = ["--algorithms", "zstd,s2,gzip,pgzip,deflate", "--deprecated"];
    const compression = (operation: string): string =>
      run("compression", "--data-file", corpusPath, "--operations", operation, ...algorithms);
    return new Map([
      ...parseFigures("crypto", run("crypto")),
      ...parseFigures("splitter", run("splitter", "--block-count", "4")),
      ...parseFigures("compress", compression("compress")),
      ...parseFigures("decompress", compression("decompress")),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Rows such as ` 0. BLAKE2B-256 AES256-… 697.9 MB / second` and `DYNAMIC 542.9 MB/s count:26`. */
export function parseFigures(kind: KernelKind, table: string): Map<string, number> {
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
