import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  COMPRESSOR_NAMES,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  compressorByName,
  createFilesystemRepository,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";

// What these algorithms write, the real program reads.
const kopiaExe = process.env["KOPIA_EXE"];
const PASSWORD = "live test";
const work = mkdtempSync(join(tmpdir(), "algorithms-"));

afterAll(() => rmSync(work, { recursive: true }));

function runKopia(directory: string, ...args: string[]): Buffer {
  const config = ["--config-file", join(directory, "config")];
  return execFileSync(kopiaExe!, [...config, ...args], {
    env: {
      KOPIA_PASSWORD: PASSWORD,
      KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
      KOPIA_LOG_DIR: join(directory, "logs"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 26,
  });
}

/** Repeats of a random part, so that every compressor finds something, and several blocks of it. */
function sample(seed: number, lengthBytes: number): Uint8Array {
  const data = seededBytes(seed, lengthBytes).map((byte) => byte & 63);
  for (let i = 1000; i < lengthBytes; i++) if (i & 0x300) data[i] = data[i - 1000]!;
  return data;
}

HASH_NAMES.forEach((hash, i) => {
  // Ciphers alternate; the default pair also takes every compressor.
  const encryption = ENCRYPTION_NAMES[i % ENCRYPTION_NAMES.length]!;
  const compressors = i === 0 ? ["none", ...COMPRESSOR_NAMES] : ["none", "zstd-fastest"];
  test.skipIf(kopiaExe === undefined)(
    `${hash} with ${encryption}, ${compressors.length} compressors (needs KOPIA_EXE)`,
    async () => {
      const directory = mkdtempSync(join(work, "run-"));
      const path = join(directory, "repo");
      const repository = await createFilesystemRepository({
        path,
        password: PASSWORD,
        format: { hash, encryption },
      });
      const session = await repository.writeSession();
      const written = new Map<string, Uint8Array>();
      for (const [index, name] of compressors.entries()) {
        const compressionHeaderId = compressorByName(name)?.headerId ?? 0;
        for (const length of [300, 40_000, 2_500_000]) {
          const data = sample(1000 * i + 10 * index + length, length);
          written.set(session.contents.writeContent(data, { compressionHeaderId }), data);
        }
      }
      await session.flush();
      await session[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
      runKopia(directory, "repository", "connect", "filesystem", "--path", path);
      const listed = JSON.parse(
        runKopia(directory, "content", "list", "--json").toString(),
      ) as Array<{ contentID: string; compression?: number }>;
      const headerIds = new Set(listed.map((entry) => entry.compression ?? 0));
      expect(headerIds.size).toBe(compressors.length);
      for (const [contentId, data] of written) {
        const read = runKopia(directory, "content", "show", contentId);
        expect(read.length).toBe(data.length);
        expect(Buffer.compare(read, data)).toBe(0);
      }
    },
  );
});
