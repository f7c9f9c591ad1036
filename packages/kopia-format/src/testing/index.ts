export { FakeClock } from "./fake-clock.ts";
export {
  FaultyStorage,
  type Fault,
  type FaultKind,
  type FaultyOperation,
  type LoggedOperation,
} from "./faulty-storage.ts";
export { fuzzRuns } from "./fuzz-runs.ts";
export { seededBytes, seededRandom } from "./seeded.ts";
export {
  storageConformanceSuite,
  type ConformanceTestApi,
  type StorageConformanceOptions,
} from "./storage-conformance.ts";
export { createContentEncryptor as createRepositoryEncryptor } from "../repository/content-encryptor.ts";
export { writeSyntheticIndex, type SyntheticIndexOptions } from "./synthetic-index.ts";
export * from "./written-format.ts";
