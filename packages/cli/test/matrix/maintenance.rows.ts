import {
  CREATE,
  FIXTURE_IDENTITY,
  connectFixture,
  type MatrixGroup,
  type MatrixRow,
} from "./matrix-row.ts";

const row = (...argv: readonly string[]): MatrixRow => ({ argv: ["maintenance", ...argv] });
const failing = (...argv: readonly string[]): MatrixRow => ({ ...row(...argv), exit: 1 });
const info = (...argv: readonly string[]): MatrixRow => ({
  ...row("info", ...argv),
  unordered: true,
});

const MASKS: MatrixGroup["scenarios"][number]["masks"] = [
  [/Cleaned up \d+ logs/g, "Cleaned up N logs"],
  [
    /Found [^)]*\) logs blobs for deletion and deleted [^)]*\) of them\. Retained [^)]*\)/g,
    "Found N logs blobs for deletion and deleted N of them. Retained N",
  ],
  // What was written in this very second may be too young.
  [
    /Found [^)]*\) contents to rewrite and rewrote [^)]*\)\. Retained [^)]*\)/g,
    "Found N contents to rewrite and rewrote N. Retained N",
  ],
  [
    /Found [^)]*\) unreferenced pack blobs to delete and deleted [^)]*\)\. Retained [^)]*\)/g,
    "Found N unreferenced pack blobs to delete and deleted N. Retained N",
  ],
  [/Found (\d+)\(\d+\) in-use contents/g, "Found $1(SIZE) in-use contents"],
  [/(deleted before) 20.*$/gm, "$1 <TIME>"],
  [/next run: .*$/gm, "next run: <WHEN>"],
  [/\(\d+(\.\d+)?m?s\) SUCCESS/g, "(0s) SUCCESS"],
  [/[\w-]+: \d+ runs?/g, "N runs"],
  [/replacement time \d.*$/gm, "replacement time <TIME>"],
  [/ in \d+(\.\d+)?m?s$/gm, " in 0s"],
  // What gzip makes of a manifest is not the same to the byte.
  [/(system[- ]contents|system contents) \([^)]*\)/g, "$1 (SIZE)"],
  [/(in-use system contents and|system contents\.) ?/g, "$1 "],
  [/(\d+)\(\d+\) in-use system contents/g, "$1(SIZE) in-use system contents"],
  [/\d+(\.\d+)? [KM]?B\b/g, "SIZE"],
];

/** Names of packs and contents of a plan, and its numbers. */
const PLAN_MASKS: MatrixRow["masks"] = [
  [/"(shortPacks|movedContents)":\[[^\]]+\]/g, '"$1":[…]'],
  [/\d+/g, "N"],
];

/** `maintenance …`. */
export const group: MatrixGroup = {
  name: "maintenance",
  scenarios: [
    {
      name: "info and set",
      masks: MASKS,
      rows: [
        CREATE,
        info(),
        { ...row("info", "--json"), masks: [[/"runs":\{.*\}\}/g, '"runs":{…}}']] },
        failing("info", "extra"),
        failing("set"),
        row("set", "--owner=me"),
        row("set", "--owner=v@w"),
        row("set", "--owner=nobody"),
        row("set", "--enable-quick=false", "--enable-full=true"),
        row("set", "--quick-interval=2h", "--full-interval=3d"),
        row("set", "--pause-quick=4h", "--pause-full=48h"),
        row(
          "set",
          "--max-retained-log-count=5",
          "--max-retained-log-age=48h",
          "--max-retained-log-size-mb=7",
        ),
        row("set", "--extend-object-locks=true", "--list-parallelism=4"),
        info(),
        { ...row("info", "--json", "--json-indent"), masks: [[/ {2}"schedule"[\s\S]*/g, "…"]] },
        row("set", "--extend-object-locks=false"),
        failing("set", "--enable-quick=perhaps"),
        failing("set", "--quick-interval=x"),
        failing("set", "--pause-full=x"),
        failing("set", "--max-retained-log-count=x"),
        failing("set", "--list-parallelism=x"),
        failing("set", "--owner"),
        failing("run"),
        failing("run", "--full"),
        row("run", "--full", "--force"),
        row("set", "--owner=me"),
        info(),
      ],
    },
    {
      name: "run",
      masks: MASKS,
      rows: [
        CREATE,
        {
          argv: ["snapshot", "create", "@/one", "@/two", "--no-auto-maintenance"],
          files: { "one/a": "a", "one/d/b": "b", "two/c": "c" },
        },
        row("run"),
        row("run", "--full"),
        row("run", "--full", "--safety=none"),
        row("run", "--no-full"),
        { argv: ["snapshot", "list"], save: { root: /k([0-9a-f]{32})/ } },
        {
          argv: [
            "snapshot",
            "delete",
            "u@h:@/two",
            "--all-snapshots-for-source",
            "--delete",
            "--no-auto-maintenance",
          ],
          exit: 1,
        },
        row("run", "--full", "--safety=none"),
        failing("run", "--safety=nope"),
        failing("run", "x"),
        info(),
        { argv: ["content", "list", "-s", "--deleted"], masks: [[/^.*$/gm, "<CONTENT>"]] },
        {
          argv: ["snapshot", "verify", "--verify-files-percent=100"],
          masks: [[/^.*(Listed|Listing|Verified|Processed) .*\n/gm, ""]],
        },
        { argv: ["blob", "gc", "--dangerous-commands=enabled"] },
      ],
    },
    {
      name: "a repository of the older scheme",
      fixture: "fs-v0231-format1-compacted",
      masks: MASKS,
      rows: [
        connectFixture(...FIXTURE_IDENTITY),
        info(),
        row("run", "--safety=none"),
        row("run", "--full"),
        info(),
        { argv: ["index", "list", "--summary"], masks: [[/^.*$/gm, "<INDEX>"]] },
      ],
    },
    {
      name: "garbage",
      fixture: "fs-v0231-gc",
      masks: MASKS,
      rows: [
        connectFixture(...FIXTURE_IDENTITY),
        info(),
        row("run"),
        row("run", "--full"),
        {
          argv: [
            "snapshot",
            "delete",
            "5b768f3916c8c074a1cb94c1f68ba534",
            "--delete",
            "--no-auto-maintenance",
          ],
        },
        row("run", "--full", "--safety=none"),
        { ...info(), differs: "Kopia tells a time of zero where the watermark was later already" },
        { argv: ["content", "stats"] },
        { argv: ["blob", "gc", "--safety=none", "--dangerous-commands=enabled"] },
      ],
    },
    {
      name: "plans",
      own: "Kopia has no dry run",
      fixture: "fs-v0231-gc",
      masks: MASKS,
      rows: [
        connectFixture(...FIXTURE_IDENTITY),
        row("run", "--full", "--dry-run"),
        { ...row("run", "--full", "--dry-run", "--json"), masks: PLAN_MASKS },
        failing("run", "--full", "--json"),
      ],
    },
  ],
};
