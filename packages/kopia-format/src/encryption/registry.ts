import { KopiaError } from "../base/errors.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import { AeadEncryptor } from "./aead-encryptor.ts";
import type { Aead } from "./aead.ts";
import type { Encryptor } from "./encryptor.ts";
import { portableAesGcm, portableChaCha20Poly1305 } from "./noble-aead.ts";
import { nodeAead } from "./node-aead.ts";

/** Cipher of new repositories. */
export const DEFAULT_ENCRYPTION = "AES256-GCM-HMAC-SHA256";

interface CipherProviders {
  readonly portable: Aead;
  fast(): Aead | undefined;
}

const CIPHERS: ReadonlyMap<string, CipherProviders> = new Map([
  [DEFAULT_ENCRYPTION, { portable: portableAesGcm, fast: () => nodeAead("aes-256-gcm") }],
  [
    "CHACHA20-POLY1305-HMAC-SHA256",
    { portable: portableChaCha20Poly1305, fast: () => nodeAead("chacha20-poly1305") },
  ],
]);

/** Names of all ciphers that repositories can have, default first (spec 1 §4.3). */
export const ENCRYPTION_NAMES: readonly string[] = [...CIPHERS.keys()];

/** How to make an encryptor. */
export interface EncryptorOptions {
  /** `fast` (the default) falls back to `portable` where there is no `node:crypto`. */
  readonly provider?: "portable" | "fast";
  /** Where nonces come from; the platform's cryptographic source when left out. */
  readonly random?: RandomBytes;
}

/**
 * The content encryption of a repository.
 *
 * @param name as recorded in the format blob, such as `AES256-GCM-HMAC-SHA256`.
 * @param masterKey the format's `masterKey` (32 bytes in repositories made by Kopia).
 * @throws KopiaError `ALGORITHM_UNKNOWN`.
 */
export function createEncryptor(
  name: string,
  masterKey: Uint8Array,
  options: EncryptorOptions = {},
): Encryptor {
  const providers = CIPHERS.get(name);
  if (providers === undefined) {
    throw new KopiaError(
      "ALGORITHM_UNKNOWN",
      `unknown encryption algorithm ${JSON.stringify(name)}; known are ${ENCRYPTION_NAMES.join(", ")}`,
      { details: { algorithm: name } },
    );
  }
  const fast = options.provider === "portable" ? undefined : providers.fast();
  return new AeadEncryptor({
    name,
    aead: fast ?? providers.portable,
    masterKey,
    random: options.random ?? systemRandom,
  });
}
