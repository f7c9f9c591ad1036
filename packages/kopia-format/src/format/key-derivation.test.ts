import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { toHex, utf8Encode } from "../base/bytes.ts";
import { testFormat } from "../../test/contents/contents.ts";
import {
  KEY_ALGORITHM_NAMES,
  deriveCacheKey,
  deriveFormatKey,
  deriveRepositoryKey,
  deriveWithUniqueId,
} from "./key-derivation.ts";
import { formatBoxKey } from "./sealed-box.ts";

// Vectors of spec 1 §15.1.
const password = "correct horse battery staple";
const uniqueId = Uint8Array.from({ length: 32 }, (_, i) => i);
const SCRYPT_KEY = "fbb18fb6dc3deed09c2a8817bc9a0b6eca463706581f70ff5e47b8f2cf4a51e6";
const PBKDF2_KEY = "613a4c3411394e24fffe6c51994307724572e574bcd98ea8cf457c64899bfbfe";

test.each([
  ["scrypt-65536-8-1", SCRYPT_KEY],
  ["pbkdf2-sha256-600000", PBKDF2_KEY],
])("format key by %s", async (keyAlgorithm, expected) => {
  expect(KEY_ALGORITHM_NAMES).toContain(keyAlgorithm);
  expect(toHex(await deriveFormatKey({ password, uniqueId, keyAlgorithm }))).toBe(expected);
});

test("the portable algorithms give the same keys", () => {
  const secret = utf8Encode(password);
  const options = { N: 65_536, r: 8, p: 1, dkLen: 32, maxmem: 2 ** 27 };
  expect(toHex(scrypt(secret, uniqueId, options))).toBe(SCRYPT_KEY);
  expect(toHex(pbkdf2(sha256, secret, uniqueId, { c: 600_000, dkLen: 32 }))).toBe(PBKDF2_KEY);
});

test("passwords are neither trimmed nor normalised", async () => {
  const keyAlgorithm = "scrypt-65536-8-1";
  const keys = await Promise.all(
    [" p", "p", "p ", "\u00e9", "e\u0301"].map((text) =>
      deriveFormatKey({ password: text, uniqueId, keyAlgorithm }),
    ),
  );
  expect(new Set(keys.map(toHex)).size).toBe(5);
});

test("unknown algorithms and short salts are refused", async () => {
  for (const keyAlgorithm of ["", "scrypt", "__proto__"]) {
    await expect(deriveFormatKey({ password, uniqueId, keyAlgorithm })).rejects.toMatchObject({
      code: "ALGORITHM_UNKNOWN",
    });
  }
  const short = { password, uniqueId: new Uint8Array(15), keyAlgorithm: "scrypt-65536-8-1" };
  await expect(deriveFormatKey(short)).rejects.toMatchObject({ code: "FORMAT_CORRUPT" });
});

test("derived keys", () => {
  const formatKey = Uint8Array.from(SCRYPT_KEY.match(/../g) ?? [], (hex) => parseInt(hex, 16));
  const boxKey = formatBoxKey(formatKey, uniqueId);
  expect(toHex(boxKey.key)).toBe(
    "5468cf5e3fce88c2f19f0767440da0913bc36000a1fce706a2c48f6b72270b27",
  );
  expect(toHex(boxKey.additionalData)).toBe(
    "df729b04e834f1252335f13cc64023de5a019bcc31b677430e2074fd911afd04",
  );
  const derived = deriveWithUniqueId(
    utf8Encode("ABCDEFGHIJKLMNOP"),
    utf8Encode("0123456789012345"),
    {
      purpose: "the-test-purpose",
      lengthBytes: 32,
    },
  );
  expect(toHex(derived)).toBe("828769ee8969bc37f11dbaa32838f8db6c19daa6e3ae5f5eed2da2d94d8faddb");
});

test("maintenance and cache keys follow enablePasswordChange", () => {
  const maintenance = { purpose: "maintenance schedule", lengthBytes: 32 };
  const format = testFormat();
  expect(toHex(deriveRepositoryKey(format, maintenance))).toBe(
    "7d69c864131b0a9763c5ca4846b5b3c2948147eab6c78cb7a91016f314aaba0d",
  );
  expect(toHex(deriveCacheKey(format))).toBe("f5d1b6913014e806fcd16c3638a664dd");
  const fixed = testFormat({ enablePasswordChange: false });
  const swapped = { ...format, formatKey: format.content.masterKey };
  expect(deriveRepositoryKey({ ...swapped, content: fixed.content }, maintenance)).toEqual(
    deriveRepositoryKey(format, maintenance),
  );
  expect(deriveCacheKey({ ...fixed, formatKey: format.content.secret })).toEqual(
    deriveCacheKey(format),
  );
});
