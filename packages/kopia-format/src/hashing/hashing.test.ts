import { blake2b, blake2s } from "@noble/hashes/blake2.js";
import { expect, test } from "vitest";
import { toHex, utf8Encode } from "../base/bytes.ts";
import { createBlake2Digest } from "./blake2.ts";
import { DEFAULT_HASH, HASH_NAMES, createHashFunction } from "./registry.ts";

// Spec 1 §15.3: hashes of "hello world" with secret = bytes 40…5f.
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i);
const HELLO = utf8Encode("hello world");
const VECTORS = new Map([
  ["BLAKE2B-256-128", "30a572157ba3e8a14424acacde62ee4a"],
  ["BLAKE2B-256", "30a572157ba3e8a14424acacde62ee4ab4418cdc035f74d178164e53acfcf4c9"],
  ["BLAKE2S-128", "2fd9b231ac8ea2386e1bd3de00c686aa"],
  ["BLAKE2S-256", "1ed6eb9cb78282c070c177c17c2d91e868117fd40e70e2ee850b30b753aed1e4"],
  ["BLAKE3-256", "e80e514b22cdc90319c3de336a2f8d17a184ee461bbb237a5299dd0738a72fc9"],
  ["BLAKE3-256-128", "e80e514b22cdc90319c3de336a2f8d17"],
  ["HMAC-SHA256", "ba4f46b8c4b9b06f1c3a8a2761eb2fdf7eb035070ca1fd5b2c4c6e90c2c8b4d7"],
  ["HMAC-SHA256-128", "ba4f46b8c4b9b06f1c3a8a2761eb2fdf"],
  ["HMAC-SHA224", "db1e43def254a974e570a1824bf06476ec0893089c3412dc3164b5d7"],
  ["HMAC-SHA3-224", "29731cfd0cfb4da14156e8030195b60cb4684699356202700deedd2c"],
  ["HMAC-SHA3-256", "c0970df2642478b86691327773f1ca39d896ab7fb6568b987bf37ec0e9db4f33"],
]);
const PROVIDERS = ["portable", "fast"] as const;

test("every hash has a vector", () => {
  expect([...VECTORS.keys()].sort()).toEqual([...HASH_NAMES].sort());
  expect(HASH_NAMES[0]).toBe(DEFAULT_HASH);
});

for (const [name, expected] of VECTORS) {
  for (const provider of PROVIDERS) {
    test(`${name} of "hello world" (${provider})`, async () => {
      const hash = await createHashFunction(name, SECRET, provider);
      expect(hash).toMatchObject({ name, provider, sizeBytes: expected.length / 2 });
      expect(toHex(hash.hash(HELLO))).toBe(expected);
      // The instance is reused: a second result must not depend on the first, nor change it.
      const first = hash.hash(HELLO);
      hash.hash(SECRET);
      expect(toHex(first)).toBe(expected);
    });
  }
}

for (const provider of PROVIDERS) {
  test(`a short secret of BLAKE3 is stretched, a longer one cut (${provider})`, async () => {
    const stretched = await createHashFunction("BLAKE3-256", utf8Encode("secret"), provider);
    expect(toHex(stretched.hash(HELLO))).toBe(
      "b770fd339d7ed5bc21aa35c3a40fde1b5d15dc87e193d08ce9ad3c17c231ce2e",
    );
    const cut = await createHashFunction("BLAKE3-256", new Uint8Array([...SECRET, 9]), provider);
    expect(toHex(cut.hash(HELLO))).toBe(VECTORS.get("BLAKE3-256"));
  });

  test(`secrets that a hash cannot have are refused (${provider})`, async () => {
    const refused = { code: "FORMAT_INVALID_PARAMETER" };
    const make = (name: string, length: number): Promise<unknown> =>
      createHashFunction(name, new Uint8Array(length), provider);
    await expect(make("BLAKE2B-256-128", 65)).rejects.toMatchObject(refused);
    await expect(make("BLAKE2S-256", 33)).rejects.toMatchObject(refused);
    await expect(make("BLAKE2S-128", 0)).rejects.toMatchObject(refused);
  });
}

test("unknown names are refused", async () => {
  for (const name of ["", "blake2b-256-128", "__proto__", "SHA1"]) {
    await expect(createHashFunction(name, SECRET)).rejects.toMatchObject({
      code: "ALGORITHM_UNKNOWN",
    });
  }
});

test("BLAKE2 without a secret is the plain hash, from both providers", async () => {
  for (const name of ["blake2b", "blake2s"] as const) {
    const [fast, portable] = await Promise.all(
      (["fast", "portable"] as const).map((provider) =>
        createBlake2Digest(name, 32, new Uint8Array(0), provider),
      ),
    );
    const plain = name === "blake2b" ? blake2b : blake2s;
    const data = Uint8Array.of(1, 2, 3);
    expect(fast?.compute(data)).toEqual(plain(data, { dkLen: 32 }));
    expect(portable?.compute(data)).toEqual(plain(data, { dkLen: 32 }));
  }
});
