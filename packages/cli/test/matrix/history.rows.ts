import { CREATE, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const transfer = (verb: "copy" | "move", ...argv: readonly string[]): MatrixRow => ({
  argv: ["snapshot", `${verb}-history`, ...argv, "--no-auto-maintenance"],
});
/** Start times are far apart, so that order never depends on the clock. */
const snapshot = (path: string, day: number): MatrixRow => ({
  argv: [
    "snapshot",
    "create",
    path,
    `--start-time=2024-01-0${day} 00:00:00 UTC`,
    `--end-time=2024-01-0${day} 00:00:01 UTC`,
    "--tags=a:b",
    "--pin=kept",
    "--no-auto-maintenance",
  ],
  files: { "one/a": `day ${day}`, "two/b": "b" },
  masks: [
    [/root k[0-9a-f]{32}/g, "root <ROOT>"],
    [/in \d+s/g, "in 0s"],
  ],
});

/** `snapshot copy-history` and `snapshot move-history`. */
export const group: MatrixGroup = {
  name: "history",
  scenarios: [
    {
      name: "copied and moved",
      rows: [
        CREATE,
        snapshot("@/one", 1),
        snapshot("@/one", 2),
        snapshot("@/two", 3),
        transfer("copy", "@h", "@h2", "-n"),
        {
          argv: ["snapshot", "list", "--all", "--no-retention", "-n1"],
          masks: [[/ k[0-9a-f]{32} /g, " <ROOT> "]],
        },
        transfer("copy", "@h", "@h2"),
        transfer("copy", "@h", "@h2"),
        transfer("move", "u@h2", "v@h3"),
        transfer("move", "u@h2", "v@h3"),
        transfer("copy", "u@h:/nowhere", "w@h5:/new"),
        transfer("copy", "v@h3"),
        transfer("copy", "@h", "@h"),
        transfer("copy", "one", "x@y"),
        transfer("move", "v@h3", "u@h", "-n"),
        transfer("move", "v@h3", "u@h"),
        transfer("copy", "nobody@x", "@y"),
        {
          argv: ["manifest", "list", "--filter=type:snapshot", "--sort=hostname"],
          unordered: true,
          masks: [[/^(<ID>|[0-9a-f]{32}) +\d+ /gm, "<ID> "]],
        },
        { ...transfer("copy"), exit: 1 },
        { ...transfer("copy", "@h", "v@h4"), exit: 1 },
        { ...transfer("copy", "u@h", "v@h4:/x"), exit: 1 },
        { ...transfer("move", "u@", "@h"), exit: 1 },
        { ...transfer("move", "@h", "u@"), exit: 1 },
      ],
    },
  ],
};
