import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytesEqual } from "../base/bytes.ts";
import { seededBytes } from "../testing/seeded.ts";
import { createFilesystemRepository, openFilesystemRepository } from "./filesystem-repository.ts";

const password = "p";
let directory: string;
let path: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "processes-"));
  path = join(directory, "repository");
  await (await createFilesystemRepository({ path, password })).close();
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A client of its own: writes `rounds` objects with a manifest each, flushing each; says so after each. */
function startWriter(seed: number, rounds: number): ChildProcess {
  const library = new URL("filesystem-repository.ts", import.meta.url).href;
  const seeded = new URL("../testing/seeded.ts", import.meta.url).href;
  const program = `
    import { openFilesystemRepository } from ${JSON.stringify(library)};
    import { seededBytes } from ${JSON.stringify(seeded)};
    const repository = await openFilesystemRepository(${JSON.stringify({ path, password })});
    const session = await repository.writeSession();
    for (let round = 0; round < ${rounds}; round++) {
      // Half of the data is the same in all processes: they meet.
      const seed = round % 2 === 0 ? round : ${seed} + round;
      const id = session.objects.writeObject(seededBytes(seed, 300_000));
      await session.manifests.put({ type: "t", writer: "${seed}" }, JSON.stringify({ id, seed }));
      await session.flush();
      console.log("round", round);
    }
    await repository.close();
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  child.stdout?.resume();
  const [code, signal] = (await once(child, "exit")) as [unknown, unknown];
  return code ?? signal;
}

/** Every manifest's object is whole; gives how many manifests there are of each writer. */
async function check(): Promise<Record<string, number>> {
  await using repository = await openFilesystemRepository({ path, password });
  const counts: Record<string, number> = {};
  for (const entry of await repository.manifests.find({ type: "t" })) {
    const payload = JSON.parse(await repository.manifests.getPayload(entry.id)) as {
      readonly id: string;
      readonly seed: number;
    };
    const data = await repository.objects.readObject(payload.id);
    expect(bytesEqual(data, seededBytes(payload.seed, 300_000))).toBe(true);
    const writer = entry.labels["writer"] ?? "";
    counts[writer] = (counts[writer] ?? 0) + 1;
  }
  return counts;
}

test("two processes write the same repository at the same time and lose nothing", async () => {
  // Enough rounds that both compact the manifests while the other writes.
  const exits = await Promise.all([exitOf(startWriter(1000, 12)), exitOf(startWriter(2000, 12))]);
  expect(exits).toEqual([0, 0]);
  expect(await check()).toEqual({ "1000": 12, "2000": 12 });
});

test("a process that is killed takes nothing with it that it had flushed", async () => {
  const writer = startWriter(1000, 1000);
  let said = "";
  writer.stdout?.on("data", (data: Buffer) => {
    said += data.toString();
    if (said.includes("round 8")) writer.kill("SIGKILL");
  });
  expect(await exitOf(writer)).toBe("SIGKILL");
  const rounds = said.trim().split("\n").length;
  const before = (await check())["1000"] ?? 0;
  // It may have finished one flush more than it could say.
  expect(before).toBeGreaterThanOrEqual(rounds);
  expect(await exitOf(startWriter(2000, 3))).toBe(0);
  expect(await check()).toEqual({ "1000": before, "2000": 3 });
});
