import { BOTH, RECORDED, caseOfRow, counting, hexOf } from "./stated-case.ts";
import type { Fields, Provenance, VectorCase } from "./vector.ts";

const AES = "AES256-GCM-HMAC-SHA256";
const CHACHA = "CHACHA20-POLY1305-HMAC-SHA256";

/** Content encryption: sealing with a stated nonce, opening, and what must be refused. */
export function cipherCases(): VectorCase[] {
  const masterKey = hexOf("01234567890123456789012345678901");
  const open: readonly [string, string, string, string, string][] = [
    [
      "aes-foo",
      AES,
      "aabbccddeeffgghhiijjkkllmmnnoopp",
      "e43ba07f85a6d70c5f1102ca06cf19c597e5f91e527b21f00fb76e8bec3fd1",
      "foo",
    ],
    [
      "chacha-foo",
      CHACHA,
      "aabbccddeeffgghhiijjkkllmmnnoopp",
      "118359f3d4d589d939efbbc3168ae4c77c51bcebce6845fe6ef5d11342faa6",
      "foo",
    ],
    [
      "aes-fox",
      AES,
      "0".repeat(32),
      "eaad755a238f1daa4052db2e5ccddd934790b6cca415b3ccfd46ac5746af33d9d30f4400ffa9eb3a64fb1ce21b888c12c043bf6787d4a5c15ad10f21f6a6027ee3afe0",
      "quick brown fox jumps over the lazy dog",
    ],
    [
      "chacha-fox",
      CHACHA,
      "0".repeat(32),
      "836d2ba87892711077adbdbe1452d3b2c590bbfdf6fd3387dc6810220a32ec19de862e1a4f865575e328424b5f178afac1b7eeff11494f719d119b7ebb924d1d0846a3",
      "quick brown fox jumps over the lazy dog",
    ],
  ];
  const one = (
    name: string,
    provenance: Provenance,
    operation: string,
    input: Fields,
    truth?: Fields,
  ): VectorCase => caseOfRow(`ciphers/${name}`, "4.3", provenance, operation, input, truth);
  const whole = {
    masterKey: counting(0x80),
    iv: "30a572157ba3e8a14424acacde62ee4a",
    nonce: counting(0, 12),
  };
  return [
    ...open.map(([name, cipher, iv, stored, text]) =>
      one(
        `open-${name}`,
        RECORDED,
        "cipher.open",
        { cipher, masterKey, iv: hexOf(iv), stored },
        { hex: hexOf(text) },
      ),
    ),
    one(
      "seal-aes-hello",
      RECORDED,
      "cipher.seal",
      { ...whole, cipher: AES, data: { utf8: "hello world" } },
      { hex: "000102030405060708090a0b4ea1e5f67b139e220820da7378fcef77a3dda729ec59dd74bf47e7" },
    ),
    one(
      "seal-chacha-hello",
      RECORDED,
      "cipher.seal",
      { ...whole, cipher: CHACHA, data: { utf8: "hello world" } },
      { hex: "000102030405060708090a0b28ec5a1658c0a276d0dab7bceed11095f8be25c70810e310fc0f2d" },
    ),
    ...[AES, CHACHA].flatMap((cipher) =>
      [0, 1, 16, 17, 64, 65, 4096, 100_000].map((length) =>
        one(`seal-${cipher}/length-${length}`, BOTH, "cipher.seal", {
          ...whole,
          cipher,
          data: { generator: "counter-sha256", length },
        }),
      ),
    ),
    ...open.flatMap(([name, cipher, iv, stored]) =>
      [0, 12, stored.length / 2 - 1].map((byte) => {
        const bytes = Buffer.from(stored, "hex");
        bytes[byte]! ^= 1;
        return one(
          `refused-${name}-byte-${byte}`,
          BOTH,
          "cipher.open",
          { cipher, masterKey, iv: hexOf(iv), stored: bytes.toString("hex") },
          { refused: true },
        );
      }),
    ),
    ...[AES, CHACHA].map((cipher) =>
      one(
        `refused-${cipher}-too-short`,
        BOTH,
        "cipher.open",
        { cipher, masterKey, iv: counting(0, 16), stored: counting(0, 27) },
        { refused: true },
      ),
    ),
    one(
      "refused-unknown",
      "computed",
      "cipher.open",
      { cipher: "SALSA20", masterKey, iv: counting(0, 16), stored: counting(0, 40) },
      { refused: true },
    ),
  ];
}
