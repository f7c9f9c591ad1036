import { expect, test } from "vitest";
import { MemoryStorage } from "../blob/memory-storage.ts";
import { createRepository } from "../repository/create-repository.ts";
import { openRepository } from "../repository/open-repository.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { FaultyStorage } from "../testing/faulty-storage.ts";

const HOUR = 3_600_000_000_000n;
const client = { username: "u", hostname: "h", readOnly: false, description: "" };

async function openSession() {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const faulty = new FaultyStorage(storage);
  const format = await createRepository(storage, { password: "p" });
  const repository = await openRepository(faulty, { password: "p", client, clock, format });
  return { clock, storage, faulty, session: await repository.writeSession() };
}

async function countOf(storage: MemoryStorage, prefix: string): Promise<number> {
  let count = 0;
  for await (const { id } of storage.list(prefix)) count += id.startsWith(prefix) ? 1 : 0;
  return count;
}

test("what was written before a long sleep is not published", async () => {
  const { clock, storage, session } = await openSession();
  session.contents.writeContent(new Uint8Array(1000));
  clock.advance(7n * HOUR);
  await expect(session.flush()).rejects.toMatchObject({ code: "SESSION_EXPIRED" });
  expect(await countOf(storage, "xn")).toBe(0);
  await expect(session.flush()).rejects.toMatchObject({ code: "SESSION_BROKEN" });
});

test("a sleep while the index is stored withdraws it", async () => {
  const { clock, storage, faulty, session } = await openSession();
  session.contents.writeContent(new Uint8Array(1000));
  const put = storage.put.bind(storage);
  storage.put = async (id, data, options) => {
    if (id.startsWith("xn")) clock.advance(7n * HOUR);
    return put(id, data, options);
  };
  await expect(session.flush()).rejects.toMatchObject({ code: "SESSION_EXPIRED" });
  expect(faulty.log.some(({ operation, id }) => operation === "put" && id.startsWith("xn"))).toBe(
    true,
  );
  expect(await countOf(storage, "xn")).toBe(0);
});

test("a session may be idle for days: what counts is when something was written", async () => {
  const { clock, storage, session } = await openSession();
  clock.advance(100n * HOUR);
  session.contents.writeContent(new Uint8Array(1000));
  clock.advance(5n * HOUR);
  await session.flush();
  expect(await countOf(storage, "xn")).toBe(1);
});
