import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { FakeClock, FaultyStorage, storageConformanceSuite } from "../testing/index.ts";
import { CachingStorage } from "./caching-storage.ts";
import { openFilesystemStorage } from "./filesystem-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MeteredStorage } from "./metered-storage.ts";
import { OverlayStorage } from "./overlay-storage.ts";
import { RetryingStorage } from "./retrying-storage.ts";
import type { BlobStorage } from "./storage.ts";
import { ThrottledStorage } from "./throttled-storage.ts";

const api = { describe, test };
const directories = new WeakMap<BlobStorage, string>();

async function openTemporary(dirShards: readonly number[] | null): Promise<BlobStorage> {
  const path = await mkdtemp(join(tmpdir(), "kopia-storage-"));
  const storage = await openFilesystemStorage({ path, create: true, dirShards });
  directories.set(storage, path);
  return storage;
}

async function dispose(storage: BlobStorage): Promise<void> {
  await rm(directories.get(storage) as string, { recursive: true });
}

storageConformanceSuite(api, { name: "memory", open: async () => new MemoryStorage() });

for (const dirShards of [null, [], [3, 3], [1, 0, 1, 1]]) {
  storageConformanceSuite(api, {
    name: `filesystem, shards ${JSON.stringify(dirShards)}`,
    open: () => openTemporary(dirShards),
    dispose,
  });
}

storageConformanceSuite(api, {
  name: "retrying, the first try of everything failing",
  open: async () => {
    const faulty = new FaultyStorage(new MemoryStorage());
    for (let nth = 1; nth < 1000; nth += 2) {
      faulty.addFault({ kind: "fail", nth, operations: ["get", "getMetadata", "delete", "list"] });
    }
    return new RetryingStorage(faulty, new FakeClock());
  },
});

storageConformanceSuite(api, {
  name: "metered",
  open: async () => new MeteredStorage(new MemoryStorage()),
});

storageConformanceSuite(api, {
  name: "overlay",
  open: async () => new OverlayStorage(new MemoryStorage()),
});

storageConformanceSuite(api, {
  name: "throttled",
  open: async () =>
    new ThrottledStorage(new MemoryStorage(), new FakeClock(), {
      readsPerSecond: 5,
      writesPerSecond: 5,
      listsPerSecond: 1,
      maxUploadSpeedBytesPerSecond: 1000,
      maxDownloadSpeedBytesPerSecond: 1000,
      concurrentReads: 2,
      concurrentWrites: 2,
    }),
});

storageConformanceSuite(api, {
  name: "faulty without faults",
  open: async () => new FaultyStorage(new MemoryStorage()),
});

storageConformanceSuite(api, {
  name: "caching, everything",
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "kopia-cache-"));
    const storage = new CachingStorage(new MemoryStorage(), {
      directory,
      key: new Uint8Array(16),
      maxContentBytes: 2 ** 24,
      maxMetadataBytes: 2 ** 24,
      clock: systemClock,
    });
    directories.set(storage, directory);
    return storage;
  },
  dispose,
});

storageConformanceSuite(api, {
  name: "caching, too small for anything",
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), "kopia-cache-"));
    const storage = new CachingStorage(new MemoryStorage(), {
      directory,
      key: new Uint8Array(16),
      maxContentBytes: 1000,
      maxMetadataBytes: 1000,
      clock: systemClock,
    });
    directories.set(storage, directory);
    return storage;
  },
  dispose,
});
