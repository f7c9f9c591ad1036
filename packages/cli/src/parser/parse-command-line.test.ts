import { expect, test } from "vitest";
import {
  defineCommand,
  optionalArgument,
  remainingArguments,
  requiredArgument,
  type Command,
  type GroupNode,
} from "./command.ts";
import { booleanFlag, choiceFlag, countFlag, durationFlag, listFlag, textFlag } from "./flag.ts";
import { parseCommandLine, type ParsedCommand } from "./parse-command-line.ts";

const nothing = async (): Promise<void> => {};

const list = defineCommand({
  flags: {
    all: booleanFlag("all", { short: "a", help: "" }),
    retention: booleanFlag("retention", { help: "", default: true }),
    json: booleanFlag("json", { help: "" }),
    max: countFlag("max-results", { short: "n", help: "" }),
    tags: listFlag("tags", { help: "" }),
    order: choiceFlag("sort", { help: "", choices: ["time", "size"], default: "time" }),
    every: durationFlag("every", { help: "", default: "45m" }),
    fast: booleanFlag("fast", { help: "", env: "FAST" }),
  },
  arguments: { source: optionalArgument("source", "") },
  run: nothing,
});

const connect = defineCommand({
  flags: { path: textFlag("path", { help: "", required: true }) },
  arguments: {},
  run: nothing,
});

const remove = defineCommand({
  flags: {},
  arguments: {
    first: requiredArgument("first", ""),
    others: remainingArguments("others", ""),
  },
  run: nothing,
});

const root: GroupNode = {
  name: "kopia",
  aliases: [],
  hidden: false,
  help: "",
  children: [
    {
      name: "snapshot",
      aliases: ["snap"],
      hidden: false,
      help: "",
      children: [
        leaf("list", list, ["ls"]),
        leaf("remove", remove),
        { name: "estimate", aliases: [], hidden: false, help: "" },
      ],
    },
    leaf("connect", connect),
  ],
};

const globalFlags = {
  help: booleanFlag("help", { help: "" }),
  helpLong: booleanFlag("help-long", { help: "" }),
  helpFull: booleanFlag("help-full", { help: "" }),
  version: booleanFlag("version", { help: "" }),
  configFile: textFlag("config-file", { help: "", env: "KOPIA_CONFIG_PATH" }),
};

function leaf(name: string, command: Command, aliases: readonly string[] = []) {
  return { name, aliases, hidden: false, help: "", load: () => Promise.resolve(command) };
}

const parse = (argv: readonly string[], env: Record<string, string> = {}) =>
  parseCommandLine({ argv, root, globalFlags, env });

async function flagsOf(argv: readonly string[], env?: Record<string, string>): Promise<unknown> {
  return ((await parse(argv, env)) as ParsedCommand).flags;
}

async function refusal(...argv: readonly string[]): Promise<string> {
  return parse(argv).then(
    () => "accepted",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

test("flags stand anywhere after the word that makes them known", async () => {
  const parsed = (await parse([
    ...["--config-file=x", "snap", "--help", "--no-help"].slice(0, 2),
    ...["ls", "--all", "/data", "-n", "3", "--config-file", "y"].slice(0, 5),
  ])) as ParsedCommand;
  expect(parsed.path).toEqual(["snapshot", "list"]);
  expect(parsed.flags).toMatchObject({ all: true, max: 3, retention: true });
  expect(parsed.arguments).toMatchObject({ source: "/data" });
  expect(parsed.flagSet.values(globalFlags, {})).toMatchObject({ configFile: "x" });
});

test("short flags are joined, the last of them may take a value", async () => {
  expect(await flagsOf(["snapshot", "list", "-an1"])).toMatchObject({ all: true, max: 1 });
  expect(await flagsOf(["snapshot", "list", "-an", "1"])).toMatchObject({ all: true, max: 1 });
});

test("every boolean has a --no- form", async () => {
  expect(await flagsOf(["snapshot", "list", "--no-retention", "--no-all"])).toMatchObject({
    retention: false,
    all: false,
  });
});

test("repeatable flags collect, others refuse to be repeated", async () => {
  expect(await flagsOf(["snapshot", "list", "--tags=a:b", "--tags", "c:d"])).toMatchObject({
    tags: ["a:b", "c:d"],
  });
  expect(await refusal("snapshot", "list", "--json", "--no-json")).toBe(
    "UsageError: flag 'json' cannot be repeated",
  );
});

test("the environment stands in for flags that are not given; an empty variable does not", async () => {
  expect(await flagsOf(["snapshot", "list"], { FAST: "true" })).toMatchObject({ fast: true });
  expect(await flagsOf(["snapshot", "list"], { FAST: "" })).toMatchObject({ fast: false });
  expect(await flagsOf(["snapshot", "list", "--no-fast"], { FAST: "1" })).toMatchObject({
    fast: false,
  });
});

test("after -- nothing is a flag", async () => {
  const parsed = (await parse(["snapshot", "list", "--", "--json"])) as ParsedCommand;
  expect(parsed.arguments).toMatchObject({ source: "--json" });
  expect(parsed.flags).toMatchObject({ json: false });
});

test("durations are nanoseconds", async () => {
  expect(await flagsOf(["snapshot", "list"])).toMatchObject({ every: 45 * 60e9 });
  expect(await flagsOf(["snapshot", "list", "--every=1h30m"])).toMatchObject({ every: 5400e9 });
  expect(await flagsOf(["snapshot", "list", "--every=1d"])).toMatchObject({ every: 86_400e9 });
});

test("help and version are asked for anywhere; words after help name a command", async () => {
  expect(await parse([])).toMatchObject({ kind: "help", path: [] });
  expect(await parse(["snapshot", "--help"])).toMatchObject({ kind: "help", path: ["snapshot"] });
  expect(await parse(["help", "snap", "ls"])).toMatchObject({
    kind: "help",
    path: ["snapshot", "list"],
  });
  expect(await parse(["snapshot", "list", "--version"])).toMatchObject({ kind: "version" });
});

test("a command that is only known is unavailable, whatever its flags", async () => {
  expect(await parse(["snapshot", "estimate", "--upload-speed=1", "-q", "/data"])).toEqual({
    kind: "unavailable",
    path: ["snapshot", "estimate"],
  });
});

/** Texts that Kopia prints for the same mistakes. */
const REFUSALS: readonly (readonly [argv: readonly string[], message: string])[] = [
  [["foo"], 'expected command but got "foo"'],
  [["snapshot", "lis"], 'expected command but got "lis"'],
  [["snapshot"], "must select a subcommand of 'snapshot'"],
  [["--all", "snapshot", "list"], "unknown long flag '--all'"],
  [["snapshot", "list", "--foo"], "unknown long flag '--foo'"],
  [["snapshot", "list", "-z"], "unknown short flag '-z'"],
  [["snapshot", "list", "--no-max-results"], "unknown long flag '--no-max-results'"],
  [["snapshot", "list", "a", "b"], "unexpected b"],
  [["snapshot", "list", "--tags"], "expected argument for flag '--tags'"],
  [["snapshot", "list", "--tags", "--json"], "expected argument for flag '--tags'"],
  [["snapshot", "list", "-n", "-1"], "expected argument for flag '-n'"],
  [["snapshot", "list", "-n=1"], 'strconv.ParseFloat: parsing "=1": invalid syntax'],
  [["snapshot", "list", "-na"], 'strconv.ParseFloat: parsing "a": invalid syntax'],
  [["snapshot", "list", "--sort=x"], "enum value must be one of time,size, got 'x'"],
  [["snapshot", "list", "--every=abc"], 'time: invalid duration "abc"'],
  [["snapshot", "list", "--json=true", "x"], "unexpected true"],
  [["connect"], "required flag(s) '--path' not provided"],
  [["snapshot", "remove"], "required argument 'first' not provided"],
];

test.each(REFUSALS)("refuses %j as Kopia does", async (argv, message) => {
  expect(await refusal(...argv)).toBe(`UsageError: ${message}`);
});
