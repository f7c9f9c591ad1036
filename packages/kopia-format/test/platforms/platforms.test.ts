import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { utf8Encode } from "../../src/base/bytes.ts";
import { seededBytes } from "../../src/testing/seeded.ts";

/*
 * What runs where a platform lacks something: Node's own modules (browsers), WebAssembly (strict content security
 * policies), Temporal (Node before 26), the C library (other systems than 64-bit Linux). The modules are loaded anew
 * without it; each result is that of the full platform.
 */
beforeEach(() => vi.resetModules());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const key = seededBytes(1, 32);
const iv = seededBytes(2, 16);
const text = seededBytes(3, 70_000).fill(9, 100, 60_000);
const withoutNodeModules = (): void => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
};
/** Everything that a platform computes, as one value. */
async function results(): Promise<object> {
  const { hkdfSha256 } = await import("../../src/base/hkdf.ts");
  const { splitterFactory } = await import("../../src/splitter/registry.ts");
  const { EccCodec } = await import("../../src/ecc/ecc-codec.ts");
  const derived = hkdfSha256({ key, salt: iv, info: utf8Encode("purpose"), lengthBytes: 40 });
  const cuts = ["DYNAMIC-128K-BUZHASH", "DYNAMIC-128K-RABINKARP"].map((name) => {
    const data = seededBytes(4, 600_000);
    return splitterFactory(name)?.create().nextSplitPoint(data, 0, data.length);
  });
  const corrected = [...new EccCodec(10).encode(text)];
  return { derived: [...derived], cuts, corrected };
}

test("without Node's modules the portable providers open what the fast ones sealed", async () => {
  const { createEncryptor, ENCRYPTION_NAMES } = await import("../../src/encryption/registry.ts");
  const { compressorByName } = await import("../../src/compression/registry.ts");
  const { formatBoxKey, sealBox } = await import("../../src/format/sealed-box.ts");
  const expected = await results();
  const sealed = ENCRYPTION_NAMES.map((name) => createEncryptor(name, key).encrypt(text, iv));
  const names = ["zstd", "gzip", "deflate-default", "s2-default"];
  const packed = names.map((name) => compressorByName(name)?.compress(text) as Uint8Array);
  const box = sealBox(formatBoxKey(key, iv), text, (length) => seededBytes(5, length));

  withoutNodeModules();
  vi.resetModules();
  expect(await results()).toEqual(expected);
  const without = await import("../../src/encryption/registry.ts");
  ENCRYPTION_NAMES.forEach((name, index) => {
    const encryptor = without.createEncryptor(name, key);
    expect(encryptor.provider).toBe("portable");
    expect(encryptor.decrypt(sealed[index] as Uint8Array, iv)).toEqual(text);
  });
  const compression = await import("../../src/compression/registry.ts");
  names.forEach((name, index) => {
    const stream = packed[index] as Uint8Array;
    expect(compression.compressorByName(name)?.decompress(stream, text.length)).toEqual(text);
  });
  const sealedBox = await import("../../src/format/sealed-box.ts");
  expect(sealedBox.openBox(sealedBox.formatBoxKey(key, iv), box)).toEqual(text);
});

test("without WebAssembly the plain twins give the same cuts and the same parity", async () => {
  const expected = await results();
  vi.stubGlobal("WebAssembly", undefined);
  vi.resetModules();
  expect(await results()).toEqual(expected);
  const { fastestShardWork } = await import("../../src/ecc/shard-work.ts");
  expect(fastestShardWork().provider).toBe("portable");
});

test.each([
  ["with Node's modules, without WebAssembly", false],
  ["without both", true],
])("keys of passwords %s", async (_name, alsoWithoutNode) => {
  vi.stubGlobal("WebAssembly", undefined);
  if (alsoWithoutNode) withoutNodeModules();
  const { deriveFormatKey } = await import("../../src/format/key-derivation.ts");
  const hex = async (keyAlgorithm: string): Promise<string> =>
    Buffer.from(
      await deriveFormatKey({
        password: "correct horse battery staple",
        uniqueId: Uint8Array.from({ length: 32 }, (_, i) => i),
        keyAlgorithm,
      }),
    ).toString("hex");
  // Vectors of spec 1 §15.1.
  expect(await hex("scrypt-65536-8-1")).toBe(
    "fbb18fb6dc3deed09c2a8817bc9a0b6eca463706581f70ff5e47b8f2cf4a51e6",
  );
  // In plain JavaScript its 600,000 rounds take too long for a test.
  if (alsoWithoutNode) return;
  expect(await hex("pbkdf2-sha256-600000")).toBe(
    "613a4c3411394e24fffe6c51994307724572e574bcd98ea8cf457c64899bfbfe",
  );
});

test("without Temporal, offsets come from Intl", async () => {
  const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Monrovia"];
  const moments = [-3_000_000_000, 0, 1_700_000_000, 1_720_000_000];
  const offsets = async (): Promise<unknown[]> => {
    const { isTimeZone, zonedParts } = await import("../../src/base/zoned-time.ts");
    expect([isTimeZone("Europe/Berlin"), isTimeZone("Mars/Olympus")]).toEqual([true, false]);
    return moments.flatMap((seconds) =>
      zones.map((zone) => zonedParts(BigInt(seconds) * 1_000_000_000n, zone).offsetSeconds),
    );
  };
  const expected = await offsets();
  const { localTimeZone } = await import("../../src/base/local-time-zone.ts");
  const local = localTimeZone();
  vi.stubGlobal("Temporal", undefined);
  vi.resetModules();
  expect(await offsets()).toEqual(expected);
  const without = await import("../../src/base/local-time-zone.ts");
  expect(without.localTimeZone()).toBe(local);
  expect(without.temporalOffsetSeconds(0, "UTC")).toBeUndefined();
});

test("an unknown local zone is UTC", async () => {
  vi.stubGlobal("Temporal", { Now: { timeZoneId: () => "Etc/Unknown" } });
  const { localTimeZone } = await import("../../src/base/local-time-zone.ts");
  expect(localTimeZone()).toBe("UTC");
});

test.each([
  ["on another system", "platform", "darwin"],
  ["on a 32-bit machine", "arch", "ia32"],
])(
  "%s times lose less than a microsecond, and locks are refused",
  async (_name, property, value) => {
    const real = Object.getOwnPropertyDescriptor(process, property) as PropertyDescriptor;
    const directory = fs.mkdtempSync(join(tmpdir(), "kopia-platforms-"));
    Object.defineProperty(process, property, { ...real, value });
    try {
      const posix = await import("../../src/base/posix.ts");
      const { tryLockFile } = await import("../../src/base/file-lock.ts");
      expect(posix.posixTimesAreExact()).toBe(false);
      const file = join(directory, "file");
      const link = join(directory, "link");
      fs.writeFileSync(file, "");
      fs.symlinkSync("file", link);
      const times = { atime: 1_600_000_000_123_456_789n, mtime: 1_704_164_645_987_654_321n };
      const isNear = (stats: fs.BigIntStats): void =>
        expect(Math.abs(Number(stats.mtimeNs - times.mtime))).toBeLessThan(1000);
      posix.setTimesNs(new Uint8Array(Buffer.from(link)), times);
      isNear(fs.lstatSync(link, { bigint: true }));
      expect(fs.statSync(link, { bigint: true }).mtimeNs).not.toBe(times.mtime);
      posix.setTimesNs(link, times, { followSymlinks: true });
      isNear(fs.statSync(file, { bigint: true }));
      const fd = fs.openSync(directory, "r");
      posix.setTimesNsOfFile(fd, times);
      isNear(fs.fstatSync(fd, { bigint: true }));
      fs.closeSync(fd);
      expect(() => tryLockFile(file)).toThrow(expect.objectContaining({ code: "NOT_IMPLEMENTED" }));
    } finally {
      Object.defineProperty(process, property, real);
      fs.rmSync(directory, { recursive: true });
    }
  },
);

test("where directories cannot be named by descriptor, handles work by path", async () => {
  const real = Object.getOwnPropertyDescriptor(process, "platform") as PropertyDescriptor;
  const directory = fs.mkdtempSync(join(tmpdir(), "kopia-platforms-"));
  Object.defineProperty(process, "platform", { ...real, value: "darwin" });
  try {
    const { directoryHandlesAreSafe, openDirectoryHandle } =
      await import("../../src/base/directory-handle.ts");
    expect(directoryHandlesAreSafe()).toBe(false);
    const handle = openDirectoryHandle(directory);
    const rawTarget = Buffer.from([0x61, 0xff]);
    handle.symlink("link", new Uint8Array(rawTarget));
    expect(Buffer.from(handle.readLink("link"))).toEqual(rawTarget);
    expect(handle.names().map((name) => Buffer.from(name).toString())).toEqual(["link"]);
    fs.closeSync(handle.fd);
  } finally {
    Object.defineProperty(process, "platform", real);
    fs.rmSync(directory, { recursive: true });
  }
});

test("a node:ffi of another form, or one that throws, is as good as none", async () => {
  for (const ffi of [{}, { dlopen: () => ({ functions: {} }) }]) {
    vi.resetModules();
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(ffi);
    const { loadLibc } = await import("../../src/base/libc.ts");
    expect(loadLibc()).toBeUndefined();
    vi.restoreAllMocks();
  }
});

test("other warnings than that of the experimental module still reach the process", async () => {
  const emitted: unknown[] = [];
  vi.spyOn(process, "emitWarning").mockImplementation((...warning: unknown[]) => {
    emitted.push(warning);
  });
  vi.spyOn(process, "getBuiltinModule").mockImplementation(() => {
    process.emitWarning("known", "ExperimentalWarning");
    process.emitWarning("news", "DeprecationWarning");
    return undefined;
  });
  const { loadLibc } = await import("../../src/base/libc.ts");
  expect(loadLibc()).toBeUndefined();
  expect(emitted).toEqual([["news", "DeprecationWarning"]]);
});

test("a system error that nobody has a name for keeps its number", async () => {
  const { systemError } = await import("../../src/base/libc.ts");
  const error = systemError({ errno: () => 99_999 } as never, "flock", "/x");
  expect(error).toMatchObject({ code: "E99999", errno: -99_999, syscall: "flock", path: "/x" });
});
