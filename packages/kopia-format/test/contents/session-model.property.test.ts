import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { ContentManager } from "../../src/content/content-manager.ts";
import type { ContentWriteSession } from "../../src/content/content-write-session.ts";
import { readLocalIndex } from "../../src/content/pack/local-index.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, data, openContents, seconds, testFormat } from "./contents.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 60);
const content = { maxPackSizeBytes: 2500 };

/** A few contents only, so that the steps meet. */
const which = fc.nat({ max: 7 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("undelete" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rewrite" as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("flush" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("begin flush" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("settle" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const), which }) },
);

/** A session and what must be true of it: each content live, deleted or unknown. */
class Model {
  readonly storage = new MemoryStorage();
  readonly clock = new FakeClock();
  readonly ids = new Map<number, string>();
  readonly state = new Map<string, "live" | "deleted">();
  contents!: ContentManager;
  session!: ContentWriteSession;

  async open(): Promise<void> {
    this.contents = await openContents(this.storage, { content, clock: this.clock });
    this.session = await this.contents.openWriteSession();
  }

  async take(action: { readonly do: string; readonly which: number }): Promise<void> {
    const { session } = this;
    const id = this.ids.get(action.which);
    const state = id === undefined ? undefined : this.state.get(id);
    switch (action.do) {
      case "write":
        return this.#write(action.which);
      case "delete":
        return this.#delete(id, state);
      case "undelete":
        if (id === undefined || state === undefined) return;
        await session.undeleteContent(id);
        this.state.set(id, "live");
        return;
      case "rewrite":
        if (id !== undefined && state !== undefined) await session.rewriteContent(id);
        return;
      case "flush":
        return session.flush();
      case "begin flush":
        session.flush().catch(() => undefined);
        for (let turn = 0; turn < action.which; turn++) await Promise.resolve();
        return;
      case "settle":
        return session.settle();
      case "wait":
        this.clock.advance(seconds([-5, 0, 1, 1, 30, 700, 1000, 2000][action.which]!));
        return;
      default:
        await session.flush();
        await session.close();
        return this.open();
    }
  }

  #write(which: number): void {
    const options = {
      prefix: which % 2 === 0 ? "" : "k",
      compressionHeaderId: which % 3 === 0 ? 0x1101 : 0,
    };
    const bytes = which % 3 === 0 ? new Uint8Array(900).fill(which) : data(which, 900);
    const id = this.session.writeContent(bytes, options);
    this.ids.set(which, id);
    this.state.set(id, "live");
  }

  #delete(id: string | undefined, state: string | undefined): void {
    if (id === undefined || state === undefined) return;
    this.session.deleteContent(id);
    // A content that was never stored is forgotten, not deleted.
    if (this.session.getContentInfo(id) === undefined) this.state.delete(id);
    else this.state.set(id, "deleted");
  }

  expectSeen(): void {
    for (const [id, state] of this.state) {
      expect(this.session.getContentInfo(id)?.deleted, id).toBe(state === "deleted");
    }
    const live = [...this.state].filter(([, state]) => state === "live").map(([id]) => id);
    const listed = [...this.session.contents()].map(({ contentId }) => contentId);
    expect(listed).toEqual(live.sort());
  }
}

test("whatever a session does, it and the next client see what was done", async () => {
  const { encryption, masterKey, secret } = testFormat().content;
  const hash = await createHashFunction("BLAKE2B-256-128", secret);
  const encryptor = createEncryptor(encryption, masterKey);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const model = new Model();
      await model.open();
      for (const action of steps) {
        await model.take(action);
        model.expectSeen();
      }
      await model.session.flush();
      await model.session.close();
      await model.open();
      model.expectSeen();
      const { contents, storage } = model;
      const verified = await verifyContents(contents, storage, {
        random: seededRandom(1),
        readPercent: 100,
        includeDeleted: true,
        hash,
      });
      expect(verified).toMatchObject({ errorCount: 0, contentCount: model.state.size });
      expect(await blobIds(storage, "s")).toEqual([]);
      for (const pack of [...(await blobIds(storage, "p")), ...(await blobIds(storage, "q"))]) {
        expect((await readLocalIndex(storage, { hash, encryptor }, pack)).entryCount).not.toBe(0);
      }
    }),
    { numRuns },
  );
});
