import { BOTH, RECORDED, STANDARD, caseOfRow, counting, hexOf } from "./stated-case.ts";
import type { Fields, Json, Provenance, VectorCase } from "./vector.ts";

const SECRET = counting(0x40);
const HELLO: readonly (readonly [string, string])[] = [
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
];

function hashCase(name: string, provenance: Provenance, input: Fields, truth?: Fields): VectorCase {
  return caseOfRow(`hashes/${name}`, "4.2", provenance, "hash", input, truth);
}

/** All hash functions over lengths around their block sizes, and with keys of odd lengths. */
export function hashCases(): VectorCase[] {
  const lengths = [0, 1, 63, 64, 65, 127, 128, 129, 144, 1024, 1025, 100_000];
  const cases = HELLO.flatMap(([name, hex]) => [
    hashCase(
      `${name}/hello-world`,
      RECORDED,
      { name, secret: SECRET, data: { utf8: "hello world" } },
      { hex },
    ),
    ...lengths.map((length) =>
      hashCase(`${name}/length-${length}`, BOTH, {
        name,
        secret: SECRET,
        data: { generator: "counter-sha256", length },
      }),
    ),
  ]);
  const keys = HELLO.flatMap(([name]) =>
    [0, 1, 31, 33].map((length) =>
      hashCase(`${name}/secret-of-${length}`, BOTH, {
        name,
        secret: counting(0x40, length),
        data: { utf8: "abc" },
      }),
    ),
  );
  const jefe = hexOf("Jefe");
  const what = { utf8: "what do ya want for nothing?" };
  const standard: readonly [string, string, string, Json, string][] = [
    [
      "blake2b-abc",
      "BLAKE2B-256",
      "",
      { utf8: "abc" },
      "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
    ],
    [
      "blake2s-abc",
      "BLAKE2S-256",
      "",
      { utf8: "abc" },
      "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
    ],
    [
      "blake3-keyed-0",
      "BLAKE3-256",
      hexOf("whats the Elvish word for friend"),
      { hex: "" },
      "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
    ],
    [
      "blake3-keyed-1",
      "BLAKE3-256",
      hexOf("whats the Elvish word for friend"),
      { hex: "00" },
      "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b",
    ],
    [
      "hmac-sha256-1",
      "HMAC-SHA256",
      "0b".repeat(20),
      { utf8: "Hi There" },
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      "hmac-sha256-2",
      "HMAC-SHA256",
      jefe,
      what,
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      "hmac-sha224-1",
      "HMAC-SHA224",
      "0b".repeat(20),
      { utf8: "Hi There" },
      "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
    ],
    [
      "hmac-sha224-2",
      "HMAC-SHA224",
      jefe,
      what,
      "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
    ],
    [
      "hmac-sha3-224-2",
      "HMAC-SHA3-224",
      jefe,
      what,
      "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66",
    ],
    [
      "hmac-sha3-256-2",
      "HMAC-SHA3-256",
      jefe,
      what,
      "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5",
    ],
  ];
  return [
    ...cases,
    ...keys,
    ...standard.map(([id, name, secret, data, hex]) =>
      hashCase(`standard/${id}`, STANDARD, { name, secret, data }, { hex }),
    ),
    hashCase(
      "BLAKE3-256/stretched-secret",
      RECORDED,
      { name: "BLAKE3-256", secret: hexOf("secret"), data: { utf8: "hello world" } },
      { hex: "b770fd339d7ed5bc21aa35c3a40fde1b5d15dc87e193d08ce9ad3c17c231ce2e" },
    ),
    hashCase(
      "unknown",
      "computed",
      { name: "MD5", secret: SECRET, data: { utf8: "" } },
      { refused: true },
    ),
    {
      id: "hashes/crc32-check",
      section: "6.3",
      provenance: STANDARD,
      operation: "checksum.crc32",
      input: { data: { utf8: "123456789" } },
      truth: { hex: "cbf43926" },
    },
    {
      id: "hashes/fnv1a32-empty",
      section: "7.4",
      provenance: STANDARD,
      operation: "checksum.fnv1a32",
      input: { data: { utf8: "" } },
      truth: { value: 2_166_136_261 },
    },
    {
      id: "hashes/fnv1a32-id",
      section: "7.4",
      provenance: RECORDED,
      operation: "checksum.fnv1a32",
      input: { data: { utf8: counting(0xf0, 16) } },
      truth: { value: 2_597_778_799 },
    },
    {
      id: "hashes/fnv1a32-prefixed-id",
      section: "7.4",
      provenance: RECORDED,
      operation: "checksum.fnv1a32",
      input: { data: { utf8: `m${counting(0x10, 16)}` } },
      truth: { value: 765_849_106 },
    },
  ];
}
