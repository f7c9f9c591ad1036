import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { SPLITTER_NAMES, splitterFactory } from "./registry.ts";

// Spec 2 §1.6: D is 64 MiB of SHA-256(u32be(i)); number of cuts, first cuts, SHA-256 of all of them.
const LENGTH = 67_108_864;
const VECTORS = `
DYNAMIC-128K-BUZHASH 395 254078,474789,623350,885494 73182513f7aca55993e3b4ab936b9782c65d85f810fae0ae7a6e56dc4e5db950
DYNAMIC-256K-BUZHASH 199 474789,623350,916717,1250760 ceb2a274357e7b5fe11ed177177107e2099aaa4db25261da22d39c5d113ae497
DYNAMIC-512K-BUZHASH 101 474789,1523365,2571941,3493486 2b34dd7a14b3e73a69530d1834e02984d8ac8561074659f509b109576ba1785d
DYNAMIC-1M-BUZHASH 51 2097152,3493486,4148563,6245715 18eec7f4195d889deb7a1ad514fd72f966b51f8e5511f50824975b1621ea38a3
DYNAMIC-2M-BUZHASH 26 3493486,7687790,9037477,13231781 3ee1fd7684e2a3aba697c82956d788da7a2441ed5904ba6b4e3a87245557e1bd
DYNAMIC-4M-BUZHASH 11 8388608,16777216,25165824,33554432 14c29c1a2a288ff3ff7d3231526ad65ec3b4bd470b9ea0fb334391de77dd39e5
DYNAMIC-8M-BUZHASH 5 16777216,33554432,42139496,58916712 c28c240e58521b25a6cac208db9f8493b971af0e8c151b0c0bc71f1b62a8786f
DYNAMIC-128K-RABINKARP 409 250938,513082,733429,813526 a4d259884f5fbc55814fd2e67a22b476c469d8c186b81fd15ba657f5f44bf557
DYNAMIC-256K-RABINKARP 207 250938,733429,1140557,1518302 bed80fa977793dc33299205a2e260512fd8c95d0e3d434dd57cda8a8ed205058
DYNAMIC-512K-RABINKARP 100 733429,1140557,2189133,3086316 2936a954354494119566582483373fc9f9be937d6ff4231088d2e2b0c7736a13
DYNAMIC-1M-RABINKARP 46 1140557,2228956,4326108,5038314 bbd7a5a55f5944e8d53075067d1396794160418a2310108706836c07dc17e0ad
DYNAMIC-2M-RABINKARP 23 4194304,5272472,7063996,8277325 35712107512fb658b8893d0696785973efa03c93271e019ad047be6ef824d111
DYNAMIC-4M-RABINKARP 13 5963122,8277325,16665933,19772655 e5b45b40a32d9af123a171f1c51abe88b76faa316dee2533f613b1cadfbacb6c
DYNAMIC-8M-RABINKARP 5 16777216,29680414,46457630,51521061 925010099e07603258bc07bb185bb5fc59e094f0d2568bf7d2b43e238897de26
FIXED-128K 512 131072,262144,393216,524288 0e6730d2a48858e8b788cc1f6f3c2f79327203dd7ea94f293b123aacf5355472
FIXED-256K 256 262144,524288,786432,1048576 1af59984da1b83ac77b17f84b2bed4f7523a7dfbbf4b09e5d1cbf7d9e8216deb
FIXED-512K 128 524288,1048576,1572864,2097152 aaa9b8bb0b8e680f0ef936e90e83eb826974a1cb8d21796b6e9e78a8839e965b
FIXED-1M 64 1048576,2097152,3145728,4194304 ba7b1fe8f4c6b17e6ca294486a1aaea3603d23bc16df2ab814cea31c0dd12935
FIXED-2M 32 2097152,4194304,6291456,8388608 7e39c4ed3e457020f678572d9fba3f2b1bd9c84f113aed5fdddc1a8b413bb816
FIXED-4M 16 4194304,8388608,12582912,16777216 8e2f8de7f10e5406e110bbe542d932ee55f8e910e17502d2606f0d6bd3701c15
FIXED-8M 8 8388608,16777216,25165824,33554432 7e9a071b0cbaf6d2cccec606c7dcc19d2da8156b01d38769f065062082fb1a4c
`.trim();

function vectorInput(): Uint8Array {
  const data = new Uint8Array(LENGTH);
  const counter = Buffer.alloc(4);
  for (let i = 0; i < LENGTH / 32; i++) {
    counter.writeUInt32BE(i);
    data.set(createHash("sha256").update(counter).digest(), i * 32);
  }
  return data;
}

function cutsOf(name: string, data: Uint8Array, provider: "portable" | "fast"): number[] {
  const splitter = splitterFactory(name, provider)!.create();
  const cuts: number[] = [];
  let position = 0;
  for (;;) {
    const length = splitter.nextSplitPoint(data, position, data.length);
    if (length < 0) return cuts;
    position += length;
    cuts.push(position);
  }
}

const data = vectorInput();

test("the input is the one of the specification", () => {
  expect(createHash("sha256").update(data).digest("hex")).toBe(
    "46d7e222a22fe723a9add1068fa97b71f9d07532554e666c25c554f335dbde39",
  );
});

for (const line of VECTORS.split("\n")) {
  const [name = "", count, first = "", sha256] = line.split(" ");
  test(`${name} cuts where the specification says`, () => {
    const cuts = cutsOf(name, data, "fast");
    expect(cuts.slice(0, 4).join(",")).toBe(first);
    expect(cuts.length).toBe(Number(count));
    expect(createHash("sha256").update(cuts.join(",")).digest("hex")).toBe(sha256);
  });
}

// The plain scanners take several times as long; one of each kind, and the property test, will do.
for (const name of ["DYNAMIC-512K-BUZHASH", "DYNAMIC-512K-RABINKARP"]) {
  test(`${name} cuts the same without WebAssembly`, () => {
    expect(splitterFactory(name, "portable")!.provider).toBe("portable");
    expect(cutsOf(name, data, "portable")).toEqual(cutsOf(name, data, "fast"));
  });
}

test("runs of one byte: every 64-byte window of them hashes to 0 under Buzhash", () => {
  const zeros = new Uint8Array(3 * 2 ** 20);
  const letters = new Uint8Array(3 * 2 ** 20).fill(0x41);
  const everyBytes = (step: number): number[] =>
    Array.from({ length: zeros.length / step }, (_, i) => (i + 1) * step);
  expect(cutsOf("DYNAMIC-128K-BUZHASH", zeros, "fast")).toEqual(everyBytes(65_536));
  expect(cutsOf("DYNAMIC-128K-RABINKARP", zeros, "fast")).toEqual(everyBytes(65_536));
  expect(cutsOf("DYNAMIC-128K-BUZHASH", letters, "fast")).toEqual(everyBytes(65_536));
  expect(cutsOf("DYNAMIC-128K-RABINKARP", letters, "fast")).toEqual(everyBytes(262_144));
});

test("DYNAMIC and FIXED are other names of the 4 MiB splitters", () => {
  for (const provider of ["fast", "portable"] as const) {
    const part = data.subarray(0, 2 ** 25);
    expect(cutsOf("DYNAMIC", part, provider)).toEqual(cutsOf("DYNAMIC-4M-BUZHASH", part, provider));
    expect(cutsOf("FIXED", part, provider)).toEqual(cutsOf("FIXED-4M", part, provider));
  }
});

test("the names are Kopia's, sorted; unknown ones have no splitter", () => {
  expect(SPLITTER_NAMES.length).toBe(23);
  expect([...SPLITTER_NAMES].sort()).toEqual(SPLITTER_NAMES);
  for (const name of ["", "dynamic", "DYNAMIC-16M-BUZHASH", "__proto__"]) {
    expect(splitterFactory(name)).toBeUndefined();
  }
});

test("the compiled kernel is the active provider here", () => {
  expect(splitterFactory("DYNAMIC-4M-BUZHASH")!.provider).toBe("fast");
  expect(splitterFactory("DYNAMIC-4M-RABINKARP")!.provider).toBe("fast");
});
