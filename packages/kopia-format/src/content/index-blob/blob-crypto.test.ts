import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { testFormat } from "../../../test/contents/contents.ts";
import { fromHex, toHex, utf8Encode, type Bytes } from "../../base/bytes.ts";
import { MemoryStorage } from "../../blob/memory-storage.ts";
import { createEncryptor } from "../../encryption/registry.ts";
import { createHashFunction } from "../../hashing/registry.ts";
import {
  blobIv,
  decryptBlob,
  encryptBlob,
  readEncryptedBlob,
  type BlobCrypto,
} from "./blob-crypto.ts";

const { secret, masterKey } = testFormat().content;
// Nonce of the vectors: 00…0b.
const random = (lengthBytes: number): Bytes =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => i);

async function cryptoOf(hash: string): Promise<BlobCrypto> {
  return {
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor("AES256-GCM-HMAC-SHA256", masterKey, { random }),
  };
}

// The index of spec 1 §15.4 and its blob as a session wrote it in epoch 0.
const INDEX = fromHex(
  "021100110000000300000002020000000000000102030405060708090a0b0c0d0e0f6a8f1235000000a000006400008000000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff6a8f1234000000200003e80000800000016d101112131415161718191a1b1c1d1e1f6a8f12368000002000000200001e000100360000008d36000000c30000000003000000110003007030313032303330343035303630373038303930613062306330643065306631302d73303031313232333334343535363637373134347131313132313331343135313631373138313931613162316331643165316632302d7330303131323233333434353536363737313434",
) as Bytes;

test("an index blob of a session: name and bytes", async () => {
  const crypto = await cryptoOf("BLAKE2B-256-128");
  const { id, data } = encryptBlob(
    crypto,
    { prefix: "xn0_", suffix: "s0011223344556677144-c1" },
    INDEX,
  );
  expect(id).toBe("xn0_f01f2e1ea578d832edd57657c6c9ed8f-s0011223344556677144-c1");
  expect(data.length).toBe(277);
  expect(toHex(sha256(data))).toBe(
    "fa972ef74c77a6ce6e93b3d2ee176b6b1358619d577e6ff249eaa733f45f8282",
  );
  expect(decryptBlob(crypto, { id, data })).toEqual(INDEX);
  // The epoch stands before the hash: another one makes no difference to the IV.
  expect(decryptBlob(crypto, { id: id.replace("xn0_", "xs12_"), data })).toEqual(INDEX);
});

test("longer hashes give their last 16 bytes, a suffix may be absent", async () => {
  const crypto = await cryptoOf("HMAC-SHA256");
  const { id, data } = encryptBlob(crypto, { prefix: "n" }, INDEX);
  expect(id).toMatch(/^n[0-9a-f]{64}$/);
  expect(blobIv(id)).toEqual(fromHex(id.slice(33)));
  expect(decryptBlob(crypto, { id, data })).toEqual(INDEX);
});

test.each([
  "",
  "xn0_notanindex",
  "s-0123",
  `xn0_${"g".repeat(32)}-s1-c1`,
  `${"0".repeat(31)}-${"0".repeat(40)}`,
])("the name %j has no IV and is refused before anything is read", async (id) => {
  const crypto = await cryptoOf("BLAKE2B-256-128");
  const corrupt = { code: "INDEX_CORRUPT", details: { blobId: id } };
  await expect(readEncryptedBlob(new MemoryStorage(), crypto, id)).rejects.toMatchObject(corrupt);
  expect(() => decryptBlob(crypto, { id, data: INDEX })).toThrow(expect.objectContaining(corrupt));
});

test("every flipped bit and every other length is refused under the code that was asked for", async () => {
  const crypto = await cryptoOf("BLAKE2B-256-128");
  const { id, data } = encryptBlob(crypto, { prefix: "s", suffix: "s1" }, utf8Encode("{}"));
  const refusal = expect.objectContaining({
    code: "PACK_CORRUPT",
    message: expect.stringContaining(id) as string,
  });
  for (let i = 0; i < data.length; i++) {
    const flipped = data.slice();
    flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
    expect(() => decryptBlob(crypto, { id, data: flipped }, "PACK_CORRUPT")).toThrow(refusal);
    expect(() => decryptBlob(crypto, { id, data: data.subarray(0, i) }, "PACK_CORRUPT")).toThrow(
      refusal,
    );
  }
  const otherId = id.replace(/^s./, (head) => (head === "s0" ? "s1" : "s0"));
  expect(() => decryptBlob(crypto, { id: otherId, data })).toThrow(/cannot be decrypted/);
});

test("missing blobs stay missing blobs", async () => {
  const crypto = await cryptoOf("BLAKE2B-256-128");
  const id = `n${"0".repeat(32)}`;
  await expect(readEncryptedBlob(new MemoryStorage(), crypto, id)).rejects.toMatchObject({
    code: "BLOB_NOT_FOUND",
  });
});

test("a prefix that would hide the hash is refused when encrypting", async () => {
  const crypto = await cryptoOf("BLAKE2B-256-128");
  expect(() => encryptBlob(crypto, { prefix: "a-" }, INDEX)).toThrow(
    expect.objectContaining({ code: "FORMAT_INVALID_PARAMETER" }),
  );
});
