import { expect, test } from "vitest";
import { fileModeText } from "./file-mode.ts";
import { indentJson } from "./json-indent.ts";
import { JsonListWriter, printJsonObject } from "./json-output.ts";
import { compressionPercent } from "./percent.ts";
import { bytesFormatter } from "./sizes.ts";
import { describeError } from "./describe-error.ts";
import { TextOutput } from "./text-output.ts";
import { KopiaError } from "@kopia-engine/kopia-format";
import { CommandError } from "../command-error.ts";
import { shortReasons } from "../commands/snapshot/reason-ranges.ts";

test.each([
  [0, "0 B"],
  [899, "899 B"],
  [900, "0.9 KB"],
  [1200, "1.2 KB"],
  [1250, "1.2 KB"],
  [1750, "1.8 KB"],
  [1000, "1 KB"],
  [99_900_000_000, "99.9 GB"],
  [2n ** 63n - 1n, "9.2 EB"],
])("%d bytes are %s", (lengthBytes, text) => {
  expect(bytesFormatter({})(lengthBytes)).toBe(text);
});

test("powers of 1024 where the environment asks for them", () => {
  const format = bytesFormatter({ KOPIA_BYTES_STRING_BASE_2: "true" });
  expect([921, 922, 1024, 20_971_520].map(format)).toEqual(["921 B", "0.9 KiB", "1 KiB", "20 MiB"]);
});

test("compression in percent", () => {
  // In this order of operations the sums differ from exact halves, as they do in Kopia.
  expect([422, 414, 406].map((packed) => compressionPercent(800, packed))).toEqual([
    "47.2%",
    "48.3%",
    "49.3%",
  ]);
  expect(compressionPercent(1000, 1028)).toBe("0%");
  expect(compressionPercent(0, 0)).toBe("0%");
});

test("file modes as Go prints them", () => {
  expect(fileModeText({ type: "d", mode: 0o755 })).toBe("drwxr-xr-x");
  expect(fileModeText({ type: "f", mode: 0o644 })).toBe("-rw-r--r--");
  expect(fileModeText({ type: "s", mode: 0o777 })).toBe("Lrwxrwxrwx");
  expect(fileModeText({ type: "d", mode: 2 ** 20 + 0o777 })).toBe("dtrwxrwxrwx");
  expect(fileModeText({ type: "f", mode: 2 ** 23 + 2 ** 22 + 0o755 })).toBe("ugrwxr-xr-x");
});

test("reasons are joined to ranges in the order of retention", () => {
  expect(
    shortReasons(["daily-2", "latest-1", "odd", "latest-3", "latest-2", "daily-4", "annual-1"]),
  ).toEqual(["odd", "latest-1..3", "daily-2", "daily-4", "annual-1"]);
});

test("indenting JSON keeps every value as it is written", () => {
  const text = '{"a":1.50,"b":[],"c":{},"d":["x, {}\\"",12345678901234567890],"e":null}';
  const laidOut = indentJson(text, { prefix: "", indent: "  " });
  expect(laidOut).toBe(
    '{\n  "a": 1.50,\n  "b": [],\n  "c": {},\n  "d": [\n    "x, {}\\"",\n    12345678901234567890\n  ],\n  "e": null\n}',
  );
  expect(indentJson(laidOut, { prefix: "", indent: "  " })).toBe(laidOut);
});

async function printed(print: (out: TextOutput) => unknown): Promise<string> {
  let text = "";
  const out = new TextOutput({
    isTerminal: false,
    write: (data) => {
      text += String(data);
      return Promise.resolve();
    },
  });
  await print(out);
  await out.flush();
  return text;
}

async function listOf(items: readonly string[], indent = false): Promise<string> {
  return printed(async (out) => {
    const list = new JsonListWriter(out, { indent });
    for (const item of items) await list.add(item);
    list.end();
  });
}

test("lists have one item a line and no newline at the end", async () => {
  expect(await listOf([])).toBe("[\n]");
  expect(await listOf(["{}", "{}"])).toBe("[\n {},\n {}\n]");
  expect(await listOf(['{"a":1}', "{}"], true)).toBe('[{\n  "a": 1\n},{}]');
});

test("objects end with a newline", async () => {
  expect(await printed((out) => printJsonObject(out, '{"a":1}', { indent: false }))).toBe(
    '{"a":1}\n',
  );
  expect(await printed((out) => printJsonObject(out, '{"a":1}', { indent: true }))).toBe(
    '{\n  "a": 1\n}\n',
  );
  // As Kopia does for `snapshot create` and `snapshot verify`.
  const wide = { indent: true, wide: true };
  expect(await printed((out) => printJsonObject(out, '{"a":1}', wide))).toBe(
    '{\n      "a": 1\n  }\n',
  );
});

test("an error shows Kopia's line, causes that add something, and what to do", () => {
  const root = new Error("ENOSPC: no space left on device");
  const cause = new KopiaError("STORAGE_FULL", "writing p123 needs 20 MB", { cause: root });
  const lines = describeError(new CommandError("flush error", { cause }));
  expect(lines).toEqual([
    "flush error",
    "  cause: writing p123 needs 20 MB",
    "  cause: ENOSPC: no space left on device",
    `  what to do: ${cause.advice} (STORAGE_FULL)`,
  ]);
  const repeated = new CommandError("failed: writing p123 needs 20 MB", { cause });
  expect(describeError(repeated)[1]).toBe("  cause: ENOSPC: no space left on device");
});
