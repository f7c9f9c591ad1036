import fc from "fast-check";
import { expect, test } from "vitest";
import { isKopiaError } from "../base/errors.ts";
import { filesystemStorageConfig } from "./connection-codec.ts";
import { decodeConnectionToken, encodeConnectionToken } from "./connection-token.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);
const storage = filesystemStorageConfig({ path: "/repo/?<é>", fileMode: 0o600, dirMode: 0o700 });

test("a token is URL-safe base64 without padding of what the original writes", () => {
  const token = encodeConnectionToken({ storage, password: "sécret" });
  expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(JSON.parse(Buffer.from(token, "base64url").toString())).toEqual({
    version: "1",
    storage: {
      type: "filesystem",
      config: { path: "/repo/?<é>", fileMode: 384, dirMode: 448, dirShards: null },
    },
    password: "sécret",
  });
  expect(decodeConnectionToken(` ${token}\n`)).toEqual({ storage, password: "sécret" });
  expect(decodeConnectionToken(encodeConnectionToken({ storage }))).toEqual({ storage });
});

test.each([
  "",
  "!!!",
  "AAAA",
  Buffer.from("{}").toString("base64url"),
  Buffer.from('{"version":"2","storage":{"type":"t","config":{}}}').toString("base64url"),
  Buffer.from('{"version":"1","storage":{"type":"t"}}').toString("base64url"),
  Buffer.from('{"version":"1","password":"hunter2","storage":5}').toString("base64url"),
  "A".repeat(2 ** 21),
])("a wrong token is refused without showing any of it", (text) => {
  try {
    decodeConnectionToken(text);
    expect.unreachable();
  } catch (error) {
    expect(isKopiaError(error, "TOKEN_INVALID")).toBe(true);
    expect(String(error)).not.toContain("hunter2");
    expect((error as Error).cause).toBeUndefined();
  }
});

test("arbitrary text never gives anything but an error of ours", () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      try {
        decodeConnectionToken(text);
      } catch (error) {
        if (!isKopiaError(error, "TOKEN_INVALID")) throw error;
      }
    }),
    { numRuns },
  );
});
