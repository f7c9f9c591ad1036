import {
  ENCRYPTION_NAMES,
  HASH_NAMES,
  KEY_ALGORITHM_NAMES,
  SPLITTER_NAMES,
} from "@kopia-engine/kopia-format";
import type { Dice } from "./dice.ts";

/** A format that both programs can write. */
export interface RandomFormat {
  readonly version: number;
  /** For `repository create` alone. */
  readonly flags: readonly string[];
  /** For creating and connecting. */
  readonly storageFlags: readonly string[];
}

/** Version, algorithms, error correction and layout, each as likely as the others. */
export function randomFormat(dice: Dice): RandomFormat {
  const version = dice.one([1, 2, 3, 3]);
  return {
    version,
    flags: [
      `--format-version=${version}`,
      `--block-hash=${dice.one(HASH_NAMES)}`,
      `--encryption=${dice.one(ENCRYPTION_NAMES)}`,
      `--object-splitter=${dice.one(SPLITTER_NAMES)}`,
      `--format-block-key-derivation-algorithm=${dice.one(KEY_ALGORITHM_NAMES)}`,
      ...(version > 1 && dice.oneIn(3) ? [`--ecc-overhead-percent=${1 + dice.below(100)}`] : []),
    ],
    storageFlags: dice.oneIn(4) ? ["--flat"] : [],
  };
}
