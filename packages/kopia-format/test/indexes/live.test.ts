import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadFixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import { utf8Encode } from "../../src/base/bytes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { openFilesystemStorage } from "../../src/blob/filesystem-storage.ts";
import {
  createEpochMaintenance,
  createIndexBlobManager,
} from "../../src/content/index-blob/index-blob-manager.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { changePassword } from "../../src/format/change-format.ts";
import { loadRepositoryFormat } from "../../src/format/load-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { idsOf, visibleEntries } from "./epochs.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
const live = test.skipIf(executable === "");

/** Contents as the real program lists them, read with a configuration and cache of its own. */
function listByKopia(path: string, password: string): unknown {
  const directory = mkdtempSync(join(tmpdir(), "kopia-indexes-"));
  const run = (...args: string[]): string =>
    execFileSync(executable, [`--config-file=${join(directory, "config")}`, ...args], {
      env: {
        ...process.env,
        KOPIA_PASSWORD: password,
        KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
        KOPIA_CHECK_FOR_UPDATES: "false",
        KOPIA_LOG_DIR: join(directory, "log"),
      },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  try {
    run("repository", "connect", "filesystem", `--path=${path}`);
    return JSON.parse(run("content", "list", "--json", "--deleted"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

live(
  "the real program reads our compactions and a changed password (needs KOPIA_EXE)",
  async () => {
    const fixture = loadFixture("fs-v0231-undelete");
    using repository = fixture.unpack();
    const storage = await openFilesystemStorage({ path: repository.path });
    const format = await loadRepositoryFormat(storage, fixture.password);
    const options = {
      storage,
      format,
      hash: await createHashFunction(format.content.hash, format.content.secret),
      encryptor: createEncryptor(format.content.encryption, format.content.masterKey),
      clock: systemClock,
      random: systemRandom,
    };
    const before = await visibleEntries(createIndexBlobManager(options));
    for (let epoch = 1; epoch <= 9; epoch++) {
      await storage.put(`xe${epoch}`, utf8Encode("epoch-marker"));
    }
    const maintenance = createEpochMaintenance(options);
    expect(await maintenance?.compactSingleEpoch()).toMatchObject({ epoch: 0 });
    for (const id of await idsOf(storage, "xn")) await storage.delete(id);
    const recorded = fixture.full("contents");
    expect(listByKopia(repository.path, fixture.password)).toEqual(recorded);
    expect((await maintenance?.compactRange())?.outputs.map((blob) => blob.id)).toEqual([
      expect.stringMatching(/^xr0_7_/),
    ]);
    for (const id of await idsOf(storage, "xs")) await storage.delete(id);
    await changePassword(storage, { password: fixture.password, newPassword: "new påss" });
    expect(listByKopia(repository.path, "new påss")).toEqual(recorded);
    expect(await visibleEntries(createIndexBlobManager(options))).toEqual(before);
  },
);
