import { chmodSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { FakeClock } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";

const CHANGES: Record<string, (directory: string) => void> = {
  nothing: () => {},
  "the mode of a directory": (directory) => chmodSync(`${directory}/a`, 0o711),
  "the time of a directory with files": (directory) => utimesSync(`${directory}/a`, 1, 2e9),
  "the time of an empty directory": (directory) => utimesSync(`${directory}/a/empty`, 1, 2e9),
  "a file less": (directory) => rmSync(`${directory}/a/c`),
  "a file more": (directory) => writeFileSync(`${directory}/a/new`, "n"),
  "another content": (directory) => writeFileSync(`${directory}/a/c`, "other"),
};

test.each(Object.keys(CHANGES))(
  "a snapshot after a change (%s) is the one that is made without a previous one",
  async (change) => {
    using directory = tempDirectory();
    const { repository } = await memoryRepository({ clock: new FakeClock() });
    await using session = await repository.writeSession();
    const path = directory.join("source");
    writeTree(path, { a: { c: "ccc", d: "dd", empty: {} }, b: { e: "e" }, f: "f" });
    const source = { userName: "user", host: "host", path };
    const policyTree = createPolicyTree(DEFAULT_POLICY);
    const first = await uploadSnapshot({ session, source, policyTree });
    CHANGES[change]?.(path);
    const before = session.contents.stats();
    const again = await uploadSnapshot({
      session,
      source,
      policyTree,
      previousSnapshots: [first],
    });
    if (change === "nothing") {
      // Listings that are the same are not even offered to the session.
      expect(session.contents.stats()).toEqual(before);
    }
    const fresh = await uploadSnapshot({ session, source, policyTree });
    expect(again.rootEntry).toEqual(fresh.rootEntry);
    await repository.close();
  },
);
