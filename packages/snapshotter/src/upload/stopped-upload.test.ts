import { FakeClock } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";

test("an upload that is stopped while files of a walked directory wait is a partial snapshot", async () => {
  using directory = tempDirectory();
  const { repository } = await memoryRepository({ clock: new FakeClock() });
  await using session = await repository.writeSession();
  const path = directory.join("source");
  writeTree(path, { a: { f: "f" }, b: { ignored: "i", g: "g" } });
  const stop = new AbortController();
  const files = { ...DEFAULT_POLICY.files, ignore: ["ignored"] };
  const { incompleteReason, rootEntry } = await uploadSnapshot({
    session,
    source: { userName: "user", host: "host", path },
    policyTree: createPolicyTree({ ...DEFAULT_POLICY, files }),
    signal: stop.signal,
    observer: { excluded: () => stop.abort() },
  });
  expect(incompleteReason).toBe("canceled");
  expect(rootEntry?.summary?.directoryCount).toBe(3);
  await repository.close();
});
