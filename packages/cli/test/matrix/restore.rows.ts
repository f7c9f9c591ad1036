import { CONNECT_AS_OWNER, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const restore = (...argv: readonly string[]): MatrixRow => ({ argv: ["restore", ...argv] });
const failing = (...argv: readonly string[]): MatrixRow => ({ ...restore(...argv), exit: 1 });
const into = (target: string, row: MatrixRow): MatrixRow => ({
  ...row,
  argv: [...row.argv, `@/${target}`],
  shows: [target],
});
/** Snapshots of ns-a@pvc-1:/data, and their roots. */
const FIRST = "c7456e3ff47b710a03748267682c34a2";
const SECOND = "e2c6c9c62dc0e6dfd91e8e38beec06c0";
const FIRST_ROOT = "k4ddd562e23e78505ae5162dd83d8387b";
const UNKNOWN = "ffffffffffffffffffffffffffffffff";

const EMPTY_DIRECTORIES = "directories are in the archive, so that empty ones are not lost";
const ONE_OF_MANY: MatrixRow["masks"] = [[/"@\/one\/[^"]*"/g, "<FILE>"]];

const MASKS: MatrixGroup["scenarios"][number]["masks"] = [
  [/^(Processed|Restored) .*\d+ .*(elapsed|remaining|ETA|in ).*\n/gm, ""],
];

/** `restore …` and `snapshot restore …`. */
export const group: MatrixGroup = {
  name: "restore",
  scenarios: [
    {
      name: "targets and flags",
      fixture: "fs-v0231-multi-source",
      masks: MASKS,
      rows: [
        CONNECT_AS_OWNER,
        into("one", restore(FIRST)),
        into("two", {
          argv: ["snapshot", "restore", FIRST_ROOT, "--parallel=1", "--skip-times"],
          masks: [[/ 20\d\d-\S+ /g, " TIME "]],
        }),
        into("sub", restore(`${FIRST}/logs/2025`)),
        into("single.txt", restore(`${FIRST}/docs/key-01.txt`)),
        {
          ...into("deep/er/single.txt", restore(`${FIRST}/docs/key-01.txt`, "--skip-permissions")),
          differs: "directories above a file are made",
        },
        { ...into("out.tar", restore(FIRST)), unordered: true },
        { ...into("out.tgz", restore(FIRST)), unordered: true },
        { ...into("out.zip", restore(FIRST)), unordered: true, differs: EMPTY_DIRECTORIES },
        {
          ...into("stored.zip", restore(FIRST, "--mode=zip-nocompress")),
          unordered: true,
          differs: EMPTY_DIRECTORIES,
        },
        into("named", restore(`${FIRST}/docs`, "--mode=local")),
        into("named.tar", restore(`${FIRST}/docs`, "--mode=local")),
        restore(`${FIRST}/docs`, "--mode=tar", "@/odd.bin"),
        failing(`${FIRST}/docs`, "--mode=nope", "@/x"),
        into("one", restore(SECOND)),
        into("one", restore(FIRST, "--delete-extra")),
        { ...failing(SECOND, "--no-overwrite-files", "@/one"), masks: ONE_OF_MANY },
        { ...failing(SECOND, "--no-overwrite-directories", "@/one"), masks: ONE_OF_MANY },
        { ...into("kept", restore(FIRST)), shows: [] },
        into("kept", restore(SECOND, "--skip-existing")),
        into("one", restore(FIRST, "--overwrite-files", "--overwrite-symlinks", "--delete-extra")),
        {
          ...failing(FIRST, "@/clash"),
          files: { "clash/docs": "a file where a directory belongs" },
        },
        {
          ...failing(FIRST, "@/clash2"),
          files: { "clash2/one-byte/x": "a directory where a file belongs" },
        },
        into("clash2", restore(FIRST, "--ignore-errors")),
        into(
          "sparse",
          restore(`${FIRST}/docs`, "--write-sparse-files", "--write-files-atomically"),
        ),
        into(
          "flushed",
          restore(`${FIRST}/docs`, "--flush-files", "--ignore-permission-errors", "--skip-owners"),
        ),
        into("consistent", restore(FIRST_ROOT, "--consistent-attributes")),
      ],
    },
    {
      name: "paths and times",
      fixture: "fs-v0231-multi-source",
      masks: MASKS,
      rows: [
        CONNECT_AS_OWNER,
        into("latest", restore("ns-a@pvc-1:/data/logs")),
        into("path", restore("/data/logs")),
        into("early", restore("/data/docs", "--snapshot-time=2026-05-01T12:00:00Z")),
        into("day", restore("/data/docs", "--snapshot-time=2026-05-02")),
        into("oldest", restore("/data/docs", "--snapshot-time=oldest")),
        into("minute", restore("/data/docs", "--snapshot-time=2026-05-01 23:59")),
        into("second", restore("/data/docs", "--snapshot-time=2026-05-01 23:59:59")),
        into("year", restore("/data/docs", "--snapshot-time=2027")),
        into("ago", failing("/data/docs", "--snapshot-time=1d")),
        into("word", failing("/data/docs", "--snapshot-time=whenever")),
        into("before", failing("/data/docs", "--snapshot-time=2026-04-01")),
        into("other", failing("/nowhere")),
        {
          ...into("none", failing(UNKNOWN)),
          differs: "an object that is not there is told before anything is begun",
        },
        into("none", failing(`${FIRST}/nothing/there`)),
        into("none", failing(`${FIRST}/one-byte/x`)),
        into("none", failing("kzz")),
        failing(),
        failing(FIRST, "@/a", "@/b"),
        { argv: ["snapshot", "restore"], exit: 1 },
        into("none", failing(FIRST, "--parallel=x")),
        into("none", failing(FIRST, "--shallow=x")),
        into("none", failing("x@y:/data")),
        into("none", failing("user@")),
      ],
    },
    {
      name: "placeholders",
      fixture: "fs-v0231-multi-source",
      masks: MASKS,
      rows: [
        CONNECT_AS_OWNER,
        into("shallow", restore(FIRST, "--shallow=0")),
        into("shallow1", restore(FIRST, "--shallow=1", "--shallow-minsize=1000")),
        { ...restore("@/shallow/docs.kopia-entry"), shows: ["shallow"] },
        { ...restore("@/shallow/logs.kopia-entry", "--shallow=1"), shows: ["shallow"] },
        { ...restore("@/shallow/dup1.dat.kopia-entry"), shows: ["shallow"] },
        failing("@/shallow/nothing"),
        failing("@/shallow/docs/on-00.json"),
      ],
    },
  ],
};
