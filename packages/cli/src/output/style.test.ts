import { expect, test } from "vitest";
import { createStyle, type StyleOptions } from "./style.ts";

const NOTHING: StyleOptions = { isTerminal: false, force: false, disable: false, env: {} };

test.each<[Partial<StyleOptions>, boolean]>([
  [{}, false],
  [{ isTerminal: true }, true],
  [{ force: true }, true],
  [{ isTerminal: true, disable: true }, false],
  [{ force: true, disable: true }, false],
  [{ isTerminal: true, env: { TERM: "dumb" } }, false],
  [{ force: true, env: { TERM: "dumb" } }, true],
  [{ isTerminal: true, env: { NO_COLOR: "1" } }, false],
  [{ force: true, env: { NO_COLOR: "1" } }, false],
  [{ force: true, env: { NO_COLOR: "" } }, true],
])("with %j colours are on: %s", (options, isOn) => {
  const style = createStyle({ ...NOTHING, ...options });
  expect(style.error("a")).toBe(isOn ? "\u001B[91ma\u001B[0m" : "a");
  expect(style.error("")).toBe("");
});
