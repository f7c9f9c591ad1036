import { expect, test } from "vitest";
import { bytesEqual, fromHex, toHex, utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { seededBytes } from "../testing/index.ts";
import { contentKeyDerivation } from "./content-key.ts";
import { portableAesGcm, portableChaCha20Poly1305 } from "./noble-aead.ts";
import { DEFAULT_ENCRYPTION, ENCRYPTION_NAMES, createEncryptor } from "./registry.ts";

const AES = DEFAULT_ENCRYPTION;
const CHACHA = "CHACHA20-POLY1305-HMAC-SHA256";
const PROVIDERS = ["portable", "fast"] as const;
const bytes = (hex: string): Bytes => fromHex(hex)!;
const range = (start: number): Bytes => Uint8Array.from({ length: 32 }, (_, i) => start + i);

// Spec 1 §15.2.
const MASTER_KEY = utf8Encode("01234567890123456789012345678901");
const IV_LETTERS = utf8Encode("aabbccddeeffgghhiijjkkllmmnnoopp");
const IV_ZEROS = utf8Encode("0".repeat(32));
const FOX = "quick brown fox jumps over the lazy dog";
const VECTORS: ReadonlyArray<readonly [string, Bytes, string, string]> = [
  [AES, IV_LETTERS, "foo", "e43ba07f85a6d70c5f1102ca06cf19c597e5f91e527b21f00fb76e8bec3fd1"],
  [CHACHA, IV_LETTERS, "foo", "118359f3d4d589d939efbbc3168ae4c77c51bcebce6845fe6ef5d11342faa6"],
  [
    AES,
    IV_ZEROS,
    FOX,
    "eaad755a238f1daa4052db2e5ccddd934790b6cca415b3ccfd46ac5746af33d9d30f4400ffa9eb3a64fb1ce21b888c12c043bf6787d4a5c15ad10f21f6a6027ee3afe0",
  ],
  [
    CHACHA,
    IV_ZEROS,
    FOX,
    "836d2ba87892711077adbdbe1452d3b2c590bbfdf6fd3387dc6810220a32ec19de862e1a4f865575e328424b5f178afac1b7eeff11494f719d119b7ebb924d1d0846a3",
  ],
];

test("content keys (spec 1 §15.2, §15.3)", () => {
  const derive = contentKeyDerivation(MASTER_KEY);
  expect(toHex(derive(IV_LETTERS))).toBe(
    "6c82491c819ee6c89e7bdd065cca8b86c314a7d950dffa92e1c30506f60463ea",
  );
  expect(toHex(derive(IV_ZEROS))).toBe(
    "e09bf92edcc7890a612c60ef1df18a8affff56d9fecfc7cb0585f1b73eb43169",
  );
});

for (const provider of PROVIDERS) {
  for (const [name, iv, plaintext, ciphertext] of VECTORS) {
    test(`${name} opens and seals ${JSON.stringify(plaintext)} (${provider})`, () => {
      const stored = bytes(ciphertext);
      // The nonce is random in use; here it is the one of the vector.
      const nonce = stored.subarray(0, 12);
      const random = (length: number): Bytes =>
        Uint8Array.from({ length }, (_, i) => nonce[i % 12]!);
      const encryptor = createEncryptor(name, MASTER_KEY, { provider, random });
      expect(encryptor).toMatchObject({ name, provider, overheadBytes: 28 });
      expect(utf8Decode(encryptor.decrypt(stored, iv))).toBe(plaintext);
      expect(toHex(encryptor.encrypt(utf8Encode(plaintext), iv))).toBe(ciphertext);
    });
  }

  test(`a whole content path (spec 1 §15.3, ${provider})`, async () => {
    const hash = await createHashFunction("BLAKE2B-256-128", range(0x40), provider);
    const plaintext = utf8Encode("hello world");
    const iv = hash.hash(plaintext).slice(-16);
    const random = (length: number): Bytes => Uint8Array.from({ length }, (_, i) => i & 255);
    const seal = (name: string): string =>
      toHex(createEncryptor(name, range(0x80), { provider, random }).encrypt(plaintext, iv));
    expect(seal(AES)).toBe(
      "000102030405060708090a0b4ea1e5f67b139e220820da7378fcef77a3dda729ec59dd74bf47e7",
    );
    expect(seal(CHACHA)).toBe(
      "000102030405060708090a0b28ec5a1658c0a276d0dab7bceed11095f8be25c70810e310fc0f2d",
    );
  });
}

test("nonces are drawn anew for every encryption", () => {
  const encryptor = createEncryptor(AES, MASTER_KEY);
  const nonces = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    nonces.add(toHex(encryptor.encrypt(new Uint8Array(1), IV_ZEROS).subarray(0, 12)));
  }
  expect(nonces.size).toBe(1000);
});

test("encryptInto writes the start of the output only, and refuses one that is too short", () => {
  for (const provider of PROVIDERS) {
    const encryptor = createEncryptor(AES, MASTER_KEY, { provider });
    const output = new Uint8Array(40).fill(0xee);
    expect(encryptor.encryptInto(utf8Encode("foo"), IV_ZEROS, output.subarray(2))).toBe(31);
    expect(output.subarray(0, 2)).toEqual(new Uint8Array([0xee, 0xee]));
    expect(output.subarray(33)).toEqual(new Uint8Array(7).fill(0xee));
    expect(utf8Decode(encryptor.decrypt(output.subarray(2, 33), IV_ZEROS))).toBe("foo");
    expect(() => encryptor.encryptInto(utf8Encode("foo"), IV_ZEROS, new Uint8Array(30))).toThrow(
      RangeError,
    );
  }
});

test("a plaintext may lie where its ciphertext goes, however long it is", () => {
  for (const provider of PROVIDERS) {
    for (const name of ENCRYPTION_NAMES) {
      const encryptor = createEncryptor(name, MASTER_KEY, { provider });
      const offset = encryptor.inPlaceOffsetBytes ?? Number.NaN;
      for (const lengthBytes of [0, 1, 5000, 2 ** 18, 2 ** 18 + 1, 600_000]) {
        const plaintext = seededBytes(3, lengthBytes);
        const room = new Uint8Array(lengthBytes + encryptor.overheadBytes);
        room.set(plaintext, offset);
        const inRoom = room.subarray(offset, offset + lengthBytes);
        expect(encryptor.encryptInto(inRoom, IV_ZEROS, room)).toBe(room.length);
        expect(bytesEqual(encryptor.decrypt(room, IV_ZEROS), plaintext)).toBe(true);
      }
    }
  }
});

test("the names, and refusal of others", () => {
  expect(ENCRYPTION_NAMES).toEqual([AES, CHACHA]);
  for (const name of ["", "aes256-gcm-hmac-sha256", "SALSA20", "__proto__"]) {
    expect(() => createEncryptor(name, MASTER_KEY)).toThrow(
      expect.objectContaining({ code: "ALGORITHM_UNKNOWN" }),
    );
  }
});

test("a message shorter than a tag is not authentic for the portable ciphers", () => {
  const input = { key: MASTER_KEY, nonce: new Uint8Array(12), additionalData: IV_ZEROS };
  for (const cipher of [portableAesGcm, portableChaCha20Poly1305])
    expect(cipher.open(input, new Uint8Array(15))).toBeUndefined();
});
