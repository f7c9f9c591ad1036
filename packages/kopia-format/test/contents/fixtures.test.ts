import { fixtureNames, loadFixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { isKopiaError, type KopiaError } from "../../src/base/errors.ts";
import { systemRandom } from "../../src/base/random.ts";
import { openFilesystemStorage } from "../../src/blob/filesystem-storage.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import type { ContentEntry } from "../../src/content/content-entry.ts";
import { createContentManager, type ContentManager } from "../../src/content/content-manager.ts";
import { readLocalIndex } from "../../src/content/pack/local-index.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { loadRepositoryFormat } from "../../src/format/load-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { createContentEncryptor } from "../../src/repository/content-encryptor.ts";
import { blobIds } from "./contents.ts";

interface OpenFixture extends Disposable {
  readonly storage: BlobStorage;
  readonly contents: ContentManager;
  readonly crypto: Parameters<typeof readLocalIndex>[1];
}

type OnUnreadableIndex = (blobId: string, error: KopiaError) => void;

async function openFixture(name: string): Promise<OpenFixture> {
  return (await unpackFixture(name)).open();
}

/** A fixture that can be opened more than once for one key derivation. */
async function unpackFixture(
  name: string,
): Promise<{ open(onUnreadableIndex?: OnUnreadableIndex): Promise<OpenFixture> }> {
  const fixture = loadFixture(name);
  const unpacked = fixture.unpack();
  const storage = await openFilesystemStorage({ path: unpacked.path });
  const format = await loadRepositoryFormat(storage, fixture.password);
  const { hash, secret } = format.content;
  const crypto = {
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, systemRandom),
  };
  const open = async (onUnreadableIndex?: OnUnreadableIndex): Promise<OpenFixture> => {
    const contents = await createContentManager({
      storage,
      format,
      ...crypto,
      clock: systemClock,
      random: systemRandom,
      client: { username: "u", hostname: "h" },
      ...(onUnreadableIndex === undefined ? {} : { onUnreadableIndex }),
    });
    return { storage, contents, crypto, [Symbol.dispose]: () => unpacked.dispose() };
  };
  return { open };
}

/** With `KOPIA_FIXTURES` all of them, else one of each kind: every opening derives a key, which takes its time. */
const READABLE =
  process.env["KOPIA_FIXTURES"] === undefined
    ? /^fs-(mixed-versions|v098-default|v0231-(default|epochs-deleted|undelete|ecc.*|format1)|.*lz4)$/
    : /^fs-/;

test.each(fixtureNames(READABLE))(
  "%s: every content is read and has the hash in its ID",
  async (name) => {
    using fixture = await openFixture(name);
    const { contents, storage, crypto } = fixture;
    const problems: string[] = [];
    const verified = await verifyContents(contents, storage, {
      random: systemRandom,
      readPercent: 100,
      hash: crypto.hash,
      onProblem: ({ error }) => problems.push(error.message),
    });
    expect(problems).toEqual([]);
    expect(verified.contentCount).toBeGreaterThan(0);
    expect(verified.readCount).toBe(verified.contentCount);
  },
);

test.each(fixtureNames(/^fs-v0231-(default|format1)$/))(
  "%s: the index at the end of each pack names what the index says is there",
  async (name) => {
    using fixture = await openFixture(name);
    const { contents, storage, crypto } = fixture;
    const local = new Map<string, ContentEntry>();
    for (const pack of [...(await blobIds(storage, "p")), ...(await blobIds(storage, "q"))]) {
      const index = await readLocalIndex(storage, crypto, pack);
      for (let i = 0; i < index.entryCount; i++) {
        const entry = index.entryAt(i);
        local.set(`${entry.contentId} ${entry.packBlobId}`, entry);
      }
    }
    for (const { contentId, packBlobId, packOffset, packedLength } of contents.contents()) {
      expect(local.get(`${contentId} ${packBlobId}`)).toMatchObject({ packOffset, packedLength });
    }
  },
);

test.each(fixtureNames(/^damaged-index-(flip|truncated|zero-length|garbage)$/))(
  "%s: the blob is named, and the rest can be read but not written",
  async (name) => {
    const unpacked = await unpackFixture(name);
    const error = await unpacked.open().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "INDEX_CORRUPT" });
    const left: string[] = [];
    using fixture = await unpacked.open((blobId, { message }) => {
      left.push(blobId);
      expect(message).toContain(blobId);
    });
    expect(left.length).toBe(1);
    expect((error as KopiaError).message).toContain(left[0]!);
    const { contents, storage } = fixture;
    await contents.refresh();
    expect(left.length).toBe(1);
    const random = systemRandom;
    const verified = await verifyContents(contents, storage, { random, readPercent: 100 });
    expect(verified).toMatchObject({ errorCount: 0 });
    expect(verified.readCount).toBeGreaterThan(0);
    await expect(contents.openWriteSession()).rejects.toThrow(
      expect.objectContaining({ code: "INDEX_CORRUPT" }),
    );
  },
);

test.each(fixtureNames(/^damaged-index-all-missing$/))("%s: nothing is written", async (name) => {
  using fixture = await openFixture(name);
  const opened = await fixture.contents.openWriteSession().catch((error: unknown) => error);
  expect(isKopiaError(opened, "REPOSITORY_INDEX_MISSING")).toBe(true);
});

test.each(fixtureNames(/^damaged-pack-(missing|truncated|zero-length|flip-content)$/))(
  "%s: verification finds it",
  async (name) => {
    using fixture = await openFixture(name);
    const { contents, storage } = fixture;
    const random = systemRandom;
    const { missingPacks, truncatedPacks, unreadablePacks, errorCount } = await verifyContents(
      contents,
      storage,
      { random, readPercent: 100 },
    );
    expect(errorCount).toBeGreaterThan(0);
    const kinds = [missingPacks, truncatedPacks, unreadablePacks].map((packs) => packs.length);
    const expected = name.endsWith("missing")
      ? [1, 0, 0]
      : name.endsWith("flip-content")
        ? [0, 0, 1]
        : [0, 1, 0];
    expect(kinds).toEqual(expected);
  },
);
