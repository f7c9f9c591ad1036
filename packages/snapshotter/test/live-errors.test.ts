import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TempDirectory, tempDirectory } from "./temp-directory.ts";
import { writeTree } from "./write-tree.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
const isRoot = process.getuid?.() === 0;
const PASSWORD = "live";
/** Permissions mean nothing to root: both programs run as nobody. */
const NOBODY = 65_534;

let directory: TempDirectory;

beforeAll(() => {
  directory = tempDirectory();
  if (executable === "" || !isRoot) return;
  chmodSync(directory.path, 0o755);
  for (const name of ["repo", "state"]) {
    mkdirSync(directory.join(name));
    chownSync(directory.join(name), NOBODY, NOBODY);
  }
  writeUnreadableTree(directory.join("source"));
  execFileSync("chown", [
    "-R",
    "--no-dereference",
    `${NOBODY}:${NOBODY}`,
    directory.join("source"),
  ]);
  const create = ["repository", "create", "filesystem", "--path", directory.join("repo")];
  kopia(...create, "--override-username=user", "--override-hostname=host");
});
afterAll(() => directory[Symbol.dispose]());

/** One of every kind of thing that cannot be read. */
function writeUnreadableTree(root: string): void {
  writeTree(root, {
    fine: "1",
    unreadable: "2",
    sub: { unreadable: "3", fine: "4" },
    "no-list": { inside: "5" },
    "no-enter": { file: "6", sub: {}, link: { link: "x" } },
    "ignore-unreadable": { ".kopiaignore": "x", file: "7" },
    "ignore-dangling": { ".kopiaignore": { link: "nowhere" }, file: "8" },
    "ignore-link-to-directory": { ".kopiaignore": { link: "." }, file: "9" },
    "ignore-bad-pattern": { ".kopiaignore": "abc[\n", file: "10" },
    "ignore-is-directory": { ".kopiaignore": {}, file: "11" },
    "ignore-by-link": { rules: "file\n", file: "12", other: "13" },
    "cache-tag-unreadable": {
      "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55",
      file: "14",
    },
  });
  symlinkSync("rules", `${root}/ignore-by-link/.kopiaignore`);
  execFileSync("mkfifo", [`${root}/fifo`]);
  const closed = [
    "unreadable",
    "sub/unreadable",
    "no-list",
    "ignore-unreadable/.kopiaignore",
    "cache-tag-unreadable/CACHEDIR.TAG",
  ];
  for (const name of closed) chmodSync(`${root}/${name}`, 0);
  chmodSync(`${root}/no-enter`, 0o444);
}

function asNobody(command: string, ...args: readonly string[]): SpawnSyncReturns<string> {
  const env = {
    ...process.env,
    HOME: directory.join("state"),
    KOPIA_CACHE_DIRECTORY: directory.join("state", "cache"),
    KOPIA_PASSWORD: PASSWORD,
    KOPIA_CHECK_FOR_UPDATES: "false",
  };
  return spawnSync(command, args, { encoding: "utf8", env, uid: NOBODY, gid: NOBODY });
}

function kopia(...args: readonly string[]): string {
  const config = `--config-file=${directory.join("state", "config")}`;
  const { stdout, stderr } = asNobody(executable, config, ...args);
  return stdout + stderr;
}

function ourRoot(sourcePath: string): string {
  const script = fileURLToPath(new URL("upload-child.ts", import.meta.url));
  const paths = [directory.join("repo"), directory.join("source"), PASSWORD, sourcePath];
  const { stdout, stderr } = asNobody(process.execPath, script, ...paths);
  return /^done (\S+)$/m.exec(stdout)?.[1] ?? stderr;
}

const policies = [
  ["fatal", []],
  ["ignored", ["--ignore-file-errors=true", "--ignore-dir-errors=true"]],
  ["ignored in directories", ["--ignore-file-errors=false", "--ignore-dir-errors=true"]],
  [
    "ignored, special files reported",
    ["--ignore-file-errors=true", "--ignore-unknown-types=false"],
  ],
] as const;

test.skipIf(executable === "" || !isRoot).each(policies)(
  "errors that are %s are stored byte for byte as the real program does (needs KOPIA_EXE, root)",
  (name, flags) => {
    if (flags.length > 0) kopia("policy", "set", "--global", ...flags);
    const theirs = kopia("snapshot", "create", directory.join("source"));
    expect(ourRoot(`/${name}`)).toBe(/with root (\S+)/.exec(theirs)?.[1]);
  },
);
