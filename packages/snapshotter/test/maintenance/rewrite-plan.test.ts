import type { Repository } from "@kopia-engine/kopia-format";
import { writeSyntheticIndex } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { SAFETY } from "../../src/index.ts";
import { indexOptions } from "../../src/maintenance/maintenance-cycle.ts";
import { planRewrite } from "../../src/maintenance/tasks/rewrite-contents.ts";
import { memoryRepository } from "../memory-repository.ts";

/** 60 % of what a session puts into one pack, as for bytes. */
const FULL_COUNT = 60_000;

/** Made-up packs of contents of a few bytes. */
async function withTinyContents(contentsPerPack: number, packCount: number): Promise<Repository> {
  const { repository } = await memoryRepository();
  await writeSyntheticIndex({
    ...(await indexOptions(repository)),
    seed: 1,
    contentCount: contentsPerPack * packCount,
    blobCount: packCount,
    contentsPerPack,
    packedBytes: 58,
  });
  await repository.refresh();
  return repository;
}

function plan(repository: Repository): ReturnType<typeof planRewrite> {
  return planRewrite({ repository, safety: SAFETY.none, supposed: {} }, ["p", "q"]);
}

test("packs of as many contents as a session puts into one are not written again, however small these are", async () => {
  const { shortPacks, toRewrite } = plan(await withTinyContents(FULL_COUNT, 2));
  expect(shortPacks.size).toBe(0);
  expect(toRewrite.size).toBe(0);
});

test("with fewer contents they are, pack by pack", async () => {
  const repository = await withTinyContents(FULL_COUNT - 1, 2);
  const { shortPacks, toRewrite } = plan(repository);
  expect(shortPacks.size).toBe(2);
  const packs = [...toRewrite].map((id) => repository.contents.getContentInfo(id)?.packBlobId);
  expect(packs.length).toBe(2 * (FULL_COUNT - 1));
  expect(packs.filter((pack, i) => i > 0 && pack !== packs[i - 1]).length).toBe(1);
});
