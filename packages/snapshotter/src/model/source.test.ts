import { describe, expect, test } from "vitest";
import { cleanPath } from "./clean-path.ts";
import {
  formatSource,
  parseSource,
  validateSnapshotSource,
  validateUploadSource,
} from "./source.ts";

const context = { userName: "me", host: "here", workingDirectory: "/work dir" };

describe("parseSource", () => {
  test.each([
    ["u@h:/p", { userName: "u", host: "h", path: "/p" }],
    ["u@h:p/../x", { userName: "u", host: "h", path: "p/../x" }],
    ["u@h:", { userName: "u", host: "h", path: "" }],
    ["u@h", { userName: "u", host: "h", path: "" }],
    ["@h", { userName: "", host: "h", path: "" }],
    ["(global)", { userName: "", host: "", path: "" }],
    ["/a/./b//c/..", { userName: "me", host: "here", path: "/a/b" }],
    ["a", { userName: "me", host: "here", path: "/work dir/a" }],
    ["../..", { userName: "me", host: "here", path: "/" }],
    // Neither has a user before the `@` and a `:` behind it: local paths (spec 2 §5.5).
    ["@h:/p", { userName: "me", host: "here", path: "/work dir/@h:/p" }],
    ["a:b@c", { userName: "me", host: "here", path: "/work dir/a:b@c" }],
  ])("reads %s", (text, source) => {
    expect(parseSource(text, context)).toEqual(source);
  });

  test.each(["u@", "@"])("refuses %s: no host", (text) => {
    expect(() => parseSource(text, context)).toThrow(
      expect.objectContaining({ code: "SOURCE_INVALID" }),
    );
  });
});

test("formatSource prints what was given", () => {
  expect(formatSource({ userName: "", host: "", path: "" })).toBe("(global)");
  expect(formatSource({ userName: "", host: "h", path: "" })).toBe("@h");
  expect(formatSource({ userName: "u", host: "h", path: "" })).toBe("u@h");
  expect(formatSource({ userName: "u", host: "h", path: "/p" })).toBe("u@h:/p");
});

test("a source without host, user or path is refused, one with a final slash only for uploads", () => {
  const whole = { userName: "u", host: "h", path: "/p/" };
  for (const part of ["userName", "host", "path"] as const) {
    expect(() => validateSnapshotSource({ ...whole, [part]: "" })).toThrow(/has no/);
  }
  expect(() => validateSnapshotSource(whole)).not.toThrow();
  expect(() => validateUploadSource(whole)).toThrow(
    expect.objectContaining({ code: "SOURCE_INVALID" }),
  );
  expect(() => validateUploadSource({ ...whole, path: "/" })).not.toThrow();
});

test("cleanPath", () => {
  expect(cleanPath("/")).toBe("/");
  expect(cleanPath("//a/../../b/")).toBe("/b");
});
