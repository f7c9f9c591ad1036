import {
  DEFAULT_ENCRYPTION,
  DEFAULT_HASH,
  DEFAULT_KEY_ALGORITHM,
  DEFAULT_SPLITTER,
  ECC_NAMES,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  KEY_ALGORITHM_NAMES,
  SPLITTER_NAMES,
} from "@kopia-engine/kopia-format";
import {
  booleanFlag,
  choiceFlag,
  countFlag,
  durationFlag,
  integerFlag,
} from "../../parser/flag.ts";

/** Flags of everything that creates a repository (spec 3 §6.3). */
export const createFlags = {
  blockHash: choiceFlag("block-hash", {
    help: "Hash of contents",
    choices: sorted(HASH_NAMES),
    default: DEFAULT_HASH,
  }),
  encryption: choiceFlag("encryption", {
    help: "Cipher of contents",
    choices: sorted(ENCRYPTION_NAMES),
    default: DEFAULT_ENCRYPTION,
  }),
  ecc: choiceFlag("ecc", {
    help: "Error correction",
    choices: ECC_NAMES,
    placeholder: "ALGO",
  }),
  eccOverheadPercent: countFlag("ecc-overhead-percent", {
    help: "Space for error correction in percent, 0 for none",
    default: 0,
  }),
  objectSplitter: choiceFlag("object-splitter", {
    help: "Splitter of file data",
    choices: sorted(SPLITTER_NAMES),
    default: DEFAULT_SPLITTER,
  }),
  createOnly: booleanFlag("create-only", { short: "c", help: "Create, but do not connect" }),
  formatVersion: integerFlag("format-version", { help: "Format version 1, 2 or 3; 0: newest" }),
  retentionMode: choiceFlag("retention-mode", {
    help: "Mode of object locks",
    choices: ["GOVERNANCE", "COMPLIANCE"],
  }),
  retentionPeriod: durationFlag("retention-period", { help: "Period of object locks" }),
  keyAlgorithm: choiceFlag("format-block-key-derivation-algorithm", {
    help: "How the key of the format blob is derived from the password",
    choices: KEY_ALGORITHM_NAMES,
    default: DEFAULT_KEY_ALGORITHM,
  }),
};

function sorted(names: readonly string[]): readonly string[] {
  return [...names].sort();
}
