import {
  CREATE,
  FIXTURE_IDENTITY,
  connectFixture,
  failing,
  row,
  rowsOf,
  type MatrixGroup,
  type MatrixRow,
} from "./matrix-row.ts";

const connect = (...argv: readonly string[]): MatrixRow =>
  connectFixture(...FIXTURE_IDENTITY, "--max-list-cache-duration=0s", ...argv);
const ENABLED = "--dangerous-commands=enabled";
const UNKNOWN = "ffffffffffffffffffffffffffffffff";
/** Deleted and live contents, and blobs, of the repository that is used. */
const DELETED = "24843897abf901118067ec38ce274222";
const LIVE = "b6b4299c8bce1f0ad35dbf78f8dfb3c0";
const INDEX_BLOB = "xn0_0e72e3fbdd5798fdc0d6a67a29edf6a6-s13ac30039b32f6a8147-c1";
const PACK_BLOB = "p4d3b4d2be5f85548a7114fd20087b31a-s3bd924c8f9cd16cd147";
const MASKS: MatrixGroup["scenarios"][number]["masks"] = [
  [/^ {2}Verified 1 contents, 0 errors, estimating\.\.\.\n/gm, ""],
  [/ in \d+(\.\d+)?m?s$/gm, " in 0s"],
  [/(Would move|Moved) \d+ file/g, "$1 N file"],
  [/^Recovered 0 index entries from 0 blobs, estimating.*\n/gm, ""],
  // Times without trailing zeros are shorter.
  [/^\/\/ length: \d+/gm, "// length: N"],
  // Logs of the runs before.
  [/^mv @\/fixture\/_\/log\/.*\n/gm, ""],
];

/** Commands that change contents, blobs and indexes. */
export const group: MatrixGroup = {
  name: "storage",
  scenarios: [
    {
      name: "contents",
      fixture: "fs-v0231-undelete",
      masks: MASKS,
      rows: rowsOf(
        connect(),
        row("content", "list", "--deleted-only"),
        failing("content", "delete", LIVE),
        failing("content", "delete", ENABLED),
        failing("content", "delete", ENABLED, "nope"),
        failing("content", "delete", ENABLED, UNKNOWN),
        row("content", "rm", ENABLED, LIVE),
        row("content", "list", "--deleted-only"),
        row("content", "show", LIVE),
        row("content", "show", DELETED),
        failing("content", "rewrite"),
        failing("content", "rewrite", "nope"),
        failing("content", "rewrite", ENABLED, "nope"),
        failing("content", "rewrite", ENABLED, UNKNOWN),
        row("content", "rewrite", ENABLED, DELETED, "--dry-run"),
        row("content", "rewrite", ENABLED, DELETED),
        { ...row("content", "rewrite", ENABLED, "--short", "-n"), unordered: true },
        { ...row("content", "rewrite", ENABLED, "--short", "--safety=none"), unordered: true },
        {
          ...row("content", "rewrite", ENABLED, "--pack-prefix=q", "-n", "--safety=none"),
          unordered: true,
        },
        { ...row("content", "rewrite", ENABLED, "--format-version=1"), unordered: true },
        failing("content", "rewrite", "--format-version=x"),
        failing("content", "rewrite", "--short", "--safety=nope"),
        row("content", "verify", "--full"),
        row("content", "stats"),
        row("snapshot", "verify"),
      )
        .map(withoutProgress)
        .map(explained),
    },
    {
      name: "undelete",
      own: "Kopia has no such command",
      fixture: "fs-v0231-undelete",
      rows: rowsOf(
        connect(),
        row("content", "undelete", DELETED),
        row("content", "list", "--deleted-only"),
        failing("content", "undelete"),
        failing("content", "undelete", "nope"),
        failing("content", "undelete", UNKNOWN),
      ),
    },
    {
      name: "blobs",
      fixture: "fs-v0231-undelete",
      masks: MASKS,
      rows: rowsOf(
        connect(),
        failing("blob", "delete", INDEX_BLOB),
        failing("blob", "delete", ENABLED),
        row("blob", "rm", ENABLED, "nope"),
        row("blob", "delete", ENABLED, INDEX_BLOB),
        row("blob", "list", "--prefix=xn"),
        row("blob", "gc", ENABLED),
        row("blob", "gc", ENABLED, "--prefix=p"),
        row("blob", "gc", ENABLED, "--safety=none"),
        failing("blob", "gc"),
        failing("blob", "gc", "--safety=nope"),
        failing("blob", "gc", "--delete=yes", "--parallel=x"),
        row("blob", "gc", ENABLED, "--delete=yes", "--safety=none"),
        row("blob", "stats", "--prefix=p"),
        failing("blob", "shards", "modify", "--path=@/fixture"),
        failing("blob", "shards", "modify", "--i-am-sure-kopia-is-not-running"),
        failing("blob", "shards", "modify", "--i-am-sure-kopia-is-not-running", "--path=@/nowhere"),
        failing(
          "blob",
          "shards",
          "modify",
          "--i-am-sure-kopia-is-not-running",
          "--path=@/fixture",
          "--default-shards=x",
        ),
        row(
          "blob",
          "shards",
          "modify",
          "--i-am-sure-kopia-is-not-running",
          "--path=@/fixture",
          "--default-shards=2,2",
          "--dry-run",
        ),
        row(
          "blob",
          "shards",
          "modify",
          "--i-am-sure-kopia-is-not-running",
          "--path=@/fixture",
          "--default-shards=flat",
          "--override=p=1,2",
          "--unsharded-length=5",
        ),
        { ...row("blob", "list", "--prefix=x"), unordered: true },
        row("snapshot", "list"),
      )
        .map(withoutProgress)
        .map(explained),
    },
    {
      name: "indexes",
      fixture: "fs-v0231-undelete",
      masks: MASKS,
      rows: rowsOf(
        connect(),
        row("index", "list", "--summary"),
        failing("index", "optimize", "--max-small-blobs=x"),
        failing("index", "optimize", "--drop-deleted-older-than=x"),
        row("index", "optimize", ENABLED, "--drop-deleted-older-than=1h"),
        row("index", "list"),
        row("index", "optimize", ENABLED, "--all"),
        row("blob", "delete", ENABLED, INDEX_BLOB),
        row("index", "recover", ENABLED, `--blobs=${PACK_BLOB}`),
        row("index", "recover", ENABLED, "--blob-prefixes=p", "--blob-prefixes=q"),
        row("index", "recover", ENABLED, "--commit", "--parallel=2"),
        failing("index", "recover", ENABLED, "--blobs=nope"),
        failing("index", "recover"),
        failing("index", "optimize"),
        row("index", "recover", ENABLED, "--blobs=nope", "--ignore-errors"),
        failing("index", "recover", "--parallel=x"),
        row("content", "stats"),
        row("snapshot", "verify"),
      )
        .map(withoutProgress)
        .map(explained),
    },
    {
      name: "indexes of the older scheme",
      fixture: "fs-v0231-format1-compacted",
      masks: MASKS,
      rows: rowsOf(
        connect(),
        { ...row("index", "list", "--summary"), unordered: true },
        failing("index", "epoch", "list"),
        row("index", "optimize", ENABLED, "--all"),
        { ...row("index", "list"), masks: [[/^(n)[0-9a-f]{32}\S* +\d+/gm, "$1<INDEX> SIZE"]] },
        failing("index", "optimize", ENABLED, "--drop-contents=nope"),
        { ...row("index", "recover", ENABLED, "--delete-indexes"), unordered: true },
        row("snapshot", "verify"),
      )
        .map(withoutProgress)
        .map(explained),
    },
    {
      name: "manifests and sessions",
      masks: MASKS,
      rows: rowsOf(
        CREATE,
        {
          ...row("snapshot", "create", "@/one", "--no-auto-maintenance"),
          files: { "one/a": "a" },
          save: { id: / ID ([0-9a-f]{32}) in / },
        },
        {
          ...row("manifest", "show", "{id}"),
          unordered: true,
          masks: [[/"(startTime|endTime|mtime|maxTime)": "[^"]*"/g, '"$1": "<TIME>"']],
        },
        failing("manifest", "delete", "{id}"),
        row("manifest", "delete", ENABLED, "{id}"),
        row("snapshot", "list"),
        row("session", "list"),
      ),
    },
  ],
};

function withoutProgress(it: MatrixRow): MatrixRow {
  if (it.argv[1] !== "verify") return it;
  return { ...it, masks: [[/^.*(Listed|Listing|Processed) .*\n/gm, ""]] };
}

/** Why recoveries and dry runs say more. */
function explained(it: MatrixRow): MatrixRow {
  const [, verb, , ...flags] = it.argv;
  if (it.exit === 1) return it;
  if (verb === "recover") return { ...it, differs: "what the index lacks is told" };
  const isDryRun = flags.some((flag) => flag === "-n" || flag === "--dry-run");
  if (verb === "rewrite" && isDryRun) return { ...it, differs: "a dry run says what it would do" };
  return it;
}
