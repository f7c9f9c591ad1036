import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Encode } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import {
  decodeConnection,
  encodeConnection,
  filesystemStorageConfig,
  parseFilesystemConfig,
} from "./connection-codec.ts";
import type { Connection } from "./connection.ts";

const numRuns = fuzzRuns(200);
const configPath = "/etc/kopia/repository.config";

test("arbitrary documents never give anything but an error of ours", () => {
  const field = fc.constantFrom(
    "storage",
    "type",
    "config",
    "path",
    "fileMode",
    "dirShards",
    "caching",
    "cacheDirectory",
    "hostname",
    "apiServer",
    "throttlingLimits",
    "readsPerSecond",
    "__proto__",
  );
  const { document } = fc.letrec<{ document: unknown; value: unknown }>((tie) => ({
    document: fc.dictionary(field, tie("value"), { maxKeys: 6 }),
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, 0, -1, 1.5, 2 ** 60, "", "filesystem", "/repo", true, []),
      fc.array(tie("value"), { maxLength: 3 }),
      tie("document"),
    ),
  }));
  const text = fc.oneof(
    fc.string(),
    document.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, (json) => {
      try {
        const { storage } = decodeConnection(utf8Encode(json), configPath);
        if (storage !== undefined) parseFilesystemConfig(storage);
      } catch (error) {
        if (isKopiaError(error, "CONFIG_CORRUPT")) return;
        if (!isKopiaError(error, "STORAGE_UNSUPPORTED")) throw error;
      }
    }),
    { numRuns },
  );
});

test("decode undoes encode", () => {
  const size = fc.integer({ min: 1, max: 2 ** 50 });
  const connection = fc.record({
    path: fc.string(),
    fileMode: fc.integer({ min: 0, max: 0o777 }),
    dirShards: fc.option(fc.array(fc.nat(9), { maxLength: 3 })),
    caching: fc.record(
      { cacheDirectory: fc.constantFrom("/a/b", "/etc/kopia/x", "/"), maxCacheSize: size },
      { requiredKeys: [] },
    ),
    client: fc.record({
      hostname: fc.string(),
      username: fc.string(),
      readOnly: fc.boolean(),
      description: fc.string(),
      enableActions: fc.boolean(),
    }),
  });
  fc.assert(
    fc.property(connection, ({ path, fileMode, dirShards, caching, client }) => {
      const storage = filesystemStorageConfig({ path, fileMode, dirShards });
      const whole: Connection = { storage, caching, client };
      const text = utf8Encode(encodeConnection(whole, configPath));
      expect(decodeConnection(text, configPath)).toEqual(whole);
      expect(parseFilesystemConfig(storage)).toEqual({ path, fileMode, dirShards });
    }),
    { numRuns },
  );
});
