import { loadFixture, parseExactJson } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { createWorkplace, type RunResult } from "./run-kopia.ts";

/** Runs one command by both programs over the same repository, read-only. */
async function byBoth(
  name: string,
  commands: readonly (readonly string[])[],
  compare: (ours: RunResult, theirs: RunResult, command: string) => void,
): Promise<void> {
  const fixture = loadFixture(name);
  using repository = fixture.unpack();
  const { password } = fixture;
  using place = createWorkplace({ KOPIA_PASSWORD: password });
  const connect = ["repository", "connect", "filesystem", "--readonly", ...IDENTITY];
  await place.ok(...connect, "--path", repository.path);
  expect(runReal(place, [...connect, "--path", repository.path], { password }).exitCode).toBe(0);
  for (const argv of commands) {
    compare(await place.run(argv), runReal(place, argv, { password }), argv.join(" "));
  }
}

/** Lines in no promised order, without what belongs to one program alone. */
function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => !/^ {2}(?:cause|what to do): |^ {2}Verified /.test(line))
    .map((line) => line.replace(/(encountered \d+ errors: ).*/, "$1"))
    .toSorted();
}

describe.skipIf(KOPIA === "")("beside the real program (needs KOPIA_EXE)", () => {
  test.each(["damaged-none", "damaged-pack-missing", "damaged-pack-truncated"])(
    "%s: content verify counts and names the same contents",
    async (name) => {
      await byBoth(
        name,
        [
          ["content", "verify"],
          ["content", "verify", "--full", "--include-deleted"],
        ],
        (ours, theirs, command) => {
          expect(ours.exitCode, command).toBe(theirs.exitCode);
          expect(linesOf(ours.stderr), command).toEqual(linesOf(theirs.stderr));
          expect(ours.stdout).toBe(theirs.stdout);
        },
      );
    },
  );

  test.each(["damaged-none", "damaged-pack-missing", "fs-v0231-incomplete-stdin-file"])(
    "%s: snapshot verify finds the same errors and counts the same objects",
    async (name) => {
      const full = ["snapshot", "verify", "--max-errors=1000", "--json"];
      await byBoth(
        name,
        [full, [...full, "--verify-files-percent=100"], [...full, "--file-parallelism=1"]],
        (ours, theirs, command) => {
          expect(ours.exitCode, command).toBe(theirs.exitCode);
          const [a, b] = [ours, theirs].map(
            ({ stdout }) =>
              parseExactJson(stdout) as {
                readonly stats: unknown;
                readonly errorStrings?: readonly string[];
              },
          );
          expect(a?.stats, command).toEqual(b?.stats);
          expect(a?.errorStrings?.toSorted(), command).toEqual(b?.errorStrings?.toSorted());
        },
      );
    },
  );

  test("what cannot be verified because it is not there is told in the same words", async () => {
    await byBoth(
      "damaged-none",
      [
        ["snapshot", "verify", "deadbeef"],
        ["snapshot", "verify", "--json", "deadbeef"],
        ["snapshot", "verify", "--sources=nobody@nowhere:/x"],
        ["snapshot", "verify", "--file-id=deadbeefdeadbeefdeadbeefdeadbeef"],
        ["snapshot", "verify"],
      ],
      (ours, theirs, command) => {
        expect(ours.exitCode, command).toBe(theirs.exitCode);
        expect(ours.stdout, command).toBe(theirs.stdout);
        const last = (text: string): readonly string[] =>
          linesOf(text).filter((line) => !line.startsWith("Processed "));
        expect(last(ours.stderr), command).toEqual(last(theirs.stderr));
      },
    );
  });
});
