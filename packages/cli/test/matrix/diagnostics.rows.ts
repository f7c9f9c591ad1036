import { CREATE, failing, row, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const OWN_CACHE = "the cache is laid out in another way (blob-cache-v1)";
const IDENTITY = ["--override-username=u", "--override-hostname=h"];
const FILES_AND_SIZE: MatrixRow["masks"] = [[/: \d+ files [\d.]+ [KM]?B/g, ": N files"]];
const LOG_SIZES: MatrixRow["masks"] = [[/ \d+s [\d.]+ K?B 1$/gm, " 0s SIZE 1"]];
const READ_ONLY = "a read-only connection is told at once, before anything is tried";
const ENABLED = "--dangerous-commands=enabled";

/** Commands that look at the cache, logs, manifests, contents and blobs. */
export const group: MatrixGroup = {
  name: "diagnostics",
  scenarios: [
    {
      name: "cache",
      rows: [
        CREATE,
        { ...row("cache", "info"), masks: FILES_AND_SIZE, differs: OWN_CACHE },
        row("cache", "info", "--path"),
        failing("cache", "set"),
        row(
          "cache",
          "set",
          "--content-cache-size-mb=100",
          "--content-cache-size-limit-mb=200",
          "--metadata-cache-size-mb=50",
          "--metadata-cache-size-limit-mb=77",
          "--max-list-cache-duration=45s",
          "--content-min-sweep-age=1m",
          "--metadata-min-sweep-age=2m",
          "--index-min-sweep-age=3m",
        ),
        { ...row("cache", "info"), masks: FILES_AND_SIZE, differs: OWN_CACHE },
        failing("cache", "set", "--content-cache-size-mb=-1"),
        failing("cache", "set", "--content-cache-size-mb=x"),
        row("cache", "set", "--cache-directory=@/own"),
        row("cache", "clear", "--partial=contents"),
        row("cache", "clear", "--partial=metadata"),
        failing("cache", "clear", "--partial=nope"),
        row("cache", "clear"),
        row("cache", "sync"),
        row("cache", "sync", "--parallel=2"),
        {
          ...failing("cache", "sync", "--parallel=x"),
          differs: "Kopia takes fractions here, and names that parser",
        },
        failing("cache", "prefetch"),
        { ...failing("cache", "prefetch", "nope"), differs: "the message is this program's own" },
        {
          ...failing("cache", "prefetch", "k00"),
          differs: "an ID of the wrong length is an error",
        },
        row("repository", "connect", "filesystem", "--path=@/repo", "--content-cache-size-mb=0"),
        {
          ...failing("cache", "info"),
          differs: "Kopia says that it cannot scan a directory without name",
        },
        failing("cache", "clear"),
      ],
    },
    {
      name: "logs",
      rows: [
        CREATE,
        row("policy", "set", "--global", "--keep-latest=3"),
        {
          ...row("logs", "list"),
          masks: LOG_SIZES,
        },
        { ...row("logs", "ls", "-n1"), masks: LOG_SIZES },
        { ...row("logs", "list", "--older-than=1h") },
        failing("logs", "list", "--older-than=x"),
        failing("logs", "show", "nope"),
        row("logs", "cleanup", "--dry-run", "--max-count=1"),
        row("logs", "cleanup", "--max-count=1"),
        row("logs", "cleanup"),
        { ...row("log", "list", "--all"), masks: LOG_SIZES },
        failing("logs", "cleanup", "--max-age=x"),
        row("policy", "set", "--global", "--keep-latest=4", "--disable-repository-log"),
        { ...row("logs", "list", "--all"), masks: LOG_SIZES },
      ],
    },
    {
      name: "manifests",
      rows: [
        CREATE,
        { ...row("manifest", "list"), unordered: true },
        { ...row("manifest", "ls", "--json"), masks: [[/,?$/gm, ""]], unordered: true },
        row("manifest", "list", "--filter=type:policy"),
        failing("manifest", "list", "--filter=x"),
        failing("manifest", "show"),
        failing("manifest", "show", "ff"),
        failing("manifest", "delete"),
        failing("manifest", "delete", "ff"),
        {
          ...failing("manifest", "rm", ENABLED, "ff"),
          differs: "Kopia says nothing about a manifest that is not there",
        },
      ],
    },
    {
      name: "a recorded repository",
      fixture: "fs-v0231-policies",
      rows: [
        row("repository", "connect", "filesystem", "--path=@/fixture", "--readonly", ...IDENTITY),
        row("content", "list"),
        row("content", "list", "-l"),
        row("content", "ls", "-c", "--deleted"),
        row("contents", "list", "-sh", "--prefixed"),
        row("content", "list", "--deleted-only"),
        row("content", "list", "--json"),
        row("content", "list", "--non-prefixed", "--prefix="),
        { ...row("content", "stats"), unordered: true },
        { ...row("content", "stats", "-r"), unordered: true },
        { ...row("content", "stats", "--prefix=k"), unordered: true },
        { ...row("blob", "list"), unordered: true },
        { ...row("blob", "list", "--json", "--prefix=x"), unordered: true },
        { ...row("blob", "ls", "--prefix=k", "--exclude-prefix=kopia.b"), unordered: true },
        { ...row("blob", "list", "--min-size=100", "--max-size=5000"), unordered: true },
        { ...row("blob", "list", "--data-only"), unordered: true },
        row("blob", "stats"),
        row("blob", "stats", "-r"),
        row("blob", "stats", "--prefix=q"),
        failing("blob", "list", "--min-size=x"),
        failing("content", "list", "--json=1"),
        failing("content", "stats", "extra"),
        row("index", "list"),
        row("index", "list", "--summary"),
        row("index", "epoch", "list"),
        { ...row("policy", "list"), unordered: true },
        { ...row("cache", "info"), masks: FILES_AND_SIZE, differs: OWN_CACHE },
        { ...failing("policy", "set", "--global", "--keep-latest=1"), differs: READ_ONLY },
        { ...failing("policy", "delete", "--global"), differs: READ_ONLY },
        { ...failing("policy", "import"), stdin: '{"(global)":{}}', differs: READ_ONLY },
        { ...failing("manifest", "delete", ENABLED, "ff"), differs: READ_ONLY },
        {
          ...failing("repository", "set-parameters", "--max-pack-size-mb=30"),
          differs: READ_ONLY,
        },
      ],
    },
  ],
};
