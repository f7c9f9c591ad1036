import { expect, test } from "vitest";
import { utf8Encode, type ContentEntry } from "@kopia-engine/kopia-format";
import { ContentsByPlace } from "../src/doctor/contents-by-place.ts";
import { memoryRepository } from "./memory-repository.ts";

test("contents of several index blobs come pack by pack, by offset", async () => {
  const { repository } = await memoryRepository();
  for (let flush = 0; flush < 4; flush++) {
    await using session = await repository.writeSession();
    for (let i = 0; i < 700; i++) {
      const prefix = i % 10 === 0 ? "k" : "";
      session.objects.writeObject(utf8Encode(`${flush} ${i}`.padEnd(1 + ((i * 37) % 300))), {
        prefix,
      });
    }
    await session.flush();
  }
  await repository.refresh();
  const { contents } = repository;
  const places = new ContentsByPlace();
  contents.visitContents((reader, position) => places.add(reader, position));
  places.sort();
  const ids = places.idsFrom(0, places.length);
  expect([...places.idsFrom(0, 1000), ...places.idsFrom(1000, 10_000)]).toEqual(ids);
  expect(ids.toSorted()).toEqual([...contents.contents()].map(({ contentId }) => contentId).sort());
  const entries = ids.map((id) => contents.getContentInfo(id) as ContentEntry);
  const packs = new Set(entries.map(({ packBlobId }) => packBlobId));
  expect(packs.size).toBeGreaterThan(4);
  const byPlace = [...packs].flatMap((pack) =>
    entries
      .filter(({ packBlobId }) => packBlobId === pack)
      .sort((a, b) => a.packOffset - b.packOffset),
  );
  expect(entries).toEqual(byPlace);
});
