import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/index.ts";
import { ENCRYPTION_NAMES, createEncryptor } from "./registry.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 40);
const PROVIDERS = ["portable", "fast"] as const;
const refused = expect.objectContaining({ code: "CONTENT_CORRUPT" });

for (const name of ENCRYPTION_NAMES) {
  test(`${name}: each provider opens what the other sealed`, () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(5000), fc.constantFrom(16, 28, 32), (seed, length, ivLength) => {
        const masterKey = seededBytes(seed, 32);
        const iv = seededBytes(seed + 1, ivLength);
        const plaintext = seededBytes(seed + 2, length + 5).subarray(5);
        for (const [from, to] of [PROVIDERS, [...PROVIDERS].reverse()] as const) {
          const sealed = createEncryptor(name, masterKey, { provider: from }).encrypt(
            plaintext,
            iv,
          );
          expect(sealed.length).toBe(length + 28);
          const opener = createEncryptor(name, masterKey, { provider: to });
          expect(opener.decrypt(sealed, iv)).toEqual(new Uint8Array(plaintext));
          expect(opener.decryptInPlace?.(sealed.slice(), iv)).toEqual(new Uint8Array(plaintext));
          expect(opener.decryptsTo(sealed, iv, plaintext)).toBe(true);
        }
      }),
      { numRuns },
    );
  });

  for (const provider of PROVIDERS) {
    test(`${name}: truncations, flipped bits, other IVs and keys are refused (${provider})`, () => {
      const masterKey = seededBytes(1, 32);
      const iv = seededBytes(2, 16);
      const encryptor = createEncryptor(name, masterKey, { provider });
      const plaintext = seededBytes(3, 50);
      const sealed = encryptor.encrypt(plaintext, iv);
      for (const other of [plaintext.with(0, 0), plaintext.with(49, 0), plaintext.subarray(1)]) {
        expect(encryptor.decryptsTo(sealed, iv, other)).toBe(false);
      }
      for (let length = 0; length < sealed.length; length++) {
        expect(() => encryptor.decrypt(sealed.subarray(0, length), iv)).toThrow(refused);
      }
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        const flipped = sealed.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => encryptor.decrypt(flipped, iv)).toThrow(refused);
        expect(encryptor.decryptsTo(flipped, iv, plaintext)).toBe(false);
        expect(() => encryptor.decryptInPlace?.(flipped, iv)).toThrow(refused);
      }
      expect(() => encryptor.decrypt(sealed, seededBytes(4, 16))).toThrow(refused);
      const other = createEncryptor(name, seededBytes(5, 32), { provider });
      expect(() => other.decrypt(sealed, iv)).toThrow(refused);
    });
  }
}

test.each(ENCRYPTION_NAMES)("%s: large messages are opened in their own memory", (name) => {
  const encryptor = createEncryptor(name, seededBytes(1, 32));
  const iv = seededBytes(2, 16);
  const plaintext = seededBytes(3, 700_001);
  const sealed = encryptor.encrypt(plaintext, iv);
  expect(encryptor.decryptsTo(sealed, iv, plaintext)).toBe(true);
  expect(encryptor.decryptsTo(sealed, iv, plaintext.with(700_000, 1))).toBe(false);
  const opened = encryptor.decryptInPlace?.(sealed, iv);
  expect(opened?.buffer).toBe(sealed.buffer);
  expect(opened && Buffer.compare(opened, plaintext)).toBe(0);
});
