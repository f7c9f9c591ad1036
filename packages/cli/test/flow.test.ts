import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

const CREATE = ["--override-username=user", "--override-hostname=host"];

/** A new repository and a small source tree beside it. */
async function withRepository(): Promise<Workplace & { readonly source: string }> {
  const place = createWorkplace();
  const source = join(place.path, "source");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "a.txt"), "hello\n");
  writeFileSync(join(source, "sub", "b.txt"), "world\n");
  symlinkSync("a.txt", join(source, "link"));
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...CREATE);
  return Object.assign(place, { source });
}

/** Times, IDs and directories as words. */
function masked(text: string, place: Workplace): string {
  return text
    .replaceAll(place.path, "DIR")
    .replaceAll(/\bk?[0-9a-f]{32}\b/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME")
    .replaceAll(/ in \d+s/g, " in Ns");
}

interface ListedSnapshot {
  readonly id: string;
  readonly rootEntry: { readonly obj: string };
  readonly pins?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

async function listed(place: Workplace): Promise<readonly ListedSnapshot[]> {
  const { stdout } = await place.ok("snapshot", "list", "--json");
  return JSON.parse(stdout) as readonly ListedSnapshot[];
}

test("creating a repository tells its format, connects, and stores policy and owner", async () => {
  using place = createWorkplace();
  const path = `--path=${place.path}/repo`;
  const created = await place.ok("repository", "create", "filesystem", path, ...CREATE);
  expect(masked(created.stderr, place)).toMatchInlineSnapshot(`
    "Initializing repository with:
      block hash:          BLAKE2B-256-128
      encryption:          AES256-GCM-HMAC-SHA256
      key derivation:      scrypt-65536-8-1
      splitter:            DYNAMIC-4M-BUZHASH
    Connected to repository.

    To find more information about default policy run 'kopia policy get'.
    To change the policy use 'kopia policy set' command.
    "
  `);
  expect(created.stdout).toMatchInlineSnapshot(`
    "Retention:
      Annual snapshots:                 3   (defined for this target)
      Monthly snapshots:               24   (defined for this target)
      Weekly snapshots:                 4   (defined for this target)
      Daily snapshots:                  7   (defined for this target)
      Hourly snapshots:                48   (defined for this target)
      Latest snapshots:                10   (defined for this target)
      Ignore identical snapshots:   false   (defined for this target)
    Compression disabled.
    "
  `);
  const { stdout } = await place.ok("manifest", "list");
  expect(stdout).toContain(" type:policy policyType:global\n");
  const id = /^([0-9a-f]{32}).* type:maintenance/m.exec(stdout)?.[1] ?? "";
  expect((await place.ok("manifest", "show", id)).stdout).toContain('"owner": "user@host"');
});

test("snapshots are created, listed, restored, pinned, expired and deleted", async () => {
  using place = await withRepository();
  const created = await place.ok("snapshot", "create", "source", "--no-auto-maintenance");
  expect(created.stdout).toBe("");
  expect(masked(created.stderr, place)).toBe(
    "Snapshotting user@host:DIR/source ...\nCreated snapshot with root ID and ID ID in Ns\n",
  );
  const json = await place.ok("snapshot", "create", "source", "--json", "--tags=a:b", "--pin=p");
  expect(json.stderr).not.toContain("Created");
  expect(Object.keys(JSON.parse(json.stdout) as object)).toEqual([
    "id",
    "source",
    "description",
    "startTime",
    "endTime",
    "rootEntry",
    "tags",
    "pins",
  ]);
  const text = await place.ok("snapshot", "list");
  expect(masked(text.stdout, place)).toMatchInlineSnapshot(`
    "user@host:DIR/source
      TIME ID 12 B drwxr-xr-x files:2 dirs:2 (latest-1..2,hourly-1,daily-1,weekly-1,monthly-1,annual-1) pins:p
      + 1 identical snapshots until TIME
    "
  `);
  const [first, second] = await listed(place);
  expect(second).toMatchObject({ tags: { "tag:a": "b" }, pins: ["p"] });

  const restored = await place.ok("restore", first?.rootEntry.obj ?? "", "target");
  expect(masked(restored.stderr, place)).toBe(
    "Restoring to local filesystem (DIR/target) with parallelism=8...\n" +
      "Restored 2 files, 2 directories and 1 symbolic links (12 B).\n\n",
  );
  expect(readFileSync(join(place.path, "target", "sub", "b.txt"), "utf8")).toBe("world\n");

  await place.ok(
    "policy",
    "set",
    "source",
    "--keep-latest=1",
    "--keep-hourly=0",
    "--keep-daily=0",
    "--keep-weekly=0",
    "--keep-monthly=0",
    "--keep-annual=0",
  );
  await place.ok("snapshot", "pin", first?.id ?? "", "--add=other");
  const expire = await place.ok("snapshot", "expire", "source", "--delete");
  expect(masked(expire.stderr, place)).toBe("Nothing to delete for user@host:DIR/source.\n");
  const pinned = (await listed(place)).find(({ pins }) => pins?.includes("other") === true);
  await place.ok("snapshot", "pin", pinned?.id ?? "", "--remove=other");
  const planned = await place.ok("snapshot", "expire", "source");
  expect(planned.stderr).toContain("1 snapshot(s) of");
  expect(await listed(place)).toHaveLength(2);
  await place.ok("snapshot", "expire", "source", "--delete");
  expect((await listed(place)).map(({ id }) => id)).toEqual([second?.id]);

  const dryRun = await place.ok("snapshot", "delete", second?.id ?? "");
  expect(masked(dryRun.stderr, place)).toBe(
    "Would delete snapshot ID of user@host:DIR/source at TIME (pass --delete to confirm)\n",
  );
  await place.ok("snapshot", "delete", second?.id ?? "", "--delete");
  expect((await place.ok("snapshot", "list", "--json")).stdout).toBe("[\n]");
});

test("a source path restores its newest snapshot and says which", async () => {
  using place = await withRepository();
  await place.ok("snapshot", "create", "source");
  const { stderr } = await place.ok("restore", "source/sub", "target");
  expect(masked(stderr, place)).toBe(
    [
      "Restoring to local filesystem (DIR/target) with parallelism=8...",
      "Restoring from",
      "   Snapshot source: user@host:DIR/source",
      "   Snapshot time: TIME",
      "   Relative path: sub",
      "   Object ID: ID",
      "Restored 1 files, 1 directories and 0 symbolic links (6 B).",
      "",
      "",
    ].join("\n"),
  );
});

test("directories and objects are shown", async () => {
  using place = await withRepository();
  await place.ok("snapshot", "create", "source");
  const [snapshot] = await listed(place);
  const id = snapshot?.id ?? "";
  expect((await place.ok("ls", id)).stdout).toBe("a.txt\nlink\nsub\n");
  expect((await place.ok("ls", "-r", id)).stdout.replaceAll(id, "ID")).toBe(
    "ID/a.txt\nID/link\nID/sub/\nID/sub/b.txt\n",
  );
  const long = await place.ok("ls", "-lr", id);
  expect(masked(long.stdout, place)).toContain("-rw-r--r--            6 TIME ID   sub/b.txt\n");
  expect((await place.ok("show", `${id}/sub/b.txt`)).stdout).toBe("world\n");
  expect((await place.ok("cat", snapshot?.rootEntry.obj ?? "")).stdout).toContain(
    '{"stream":"kopia:directory","entries":[',
  );
});

test("standard input becomes a file", async () => {
  using place = await withRepository();
  const { exitCode } = await place.run(
    ["snapshot", "create", "--stdin-file=dump.sql", "/virtual"],
    {
      stdin: new TextEncoder().encode("select 1;\n"),
    },
  );
  expect(exitCode).toBe(0);
  const [snapshot] = await listed(place);
  expect((await place.ok("show", `${snapshot?.id}/dump.sql`)).stdout).toBe("select 1;\n");
});

test("several sources: those that work are stored, the others are told, the exit code is 1", async () => {
  using place = await withRepository();
  const { exitCode, stderr } = await place.run(["snapshot", "create", "/nonexist", "source"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    "running in write session: encountered 2 errors:\n" +
      "failed to prepare source: unable to get local filesystem entry: resolveSymlink: stat: lstat /nonexist: no such file or directory\n" +
      "upload error: unsupported source: user@host:/nonexist\n",
  );
  expect(await listed(place)).toHaveLength(1);
});

test("an interrupted upload is kept as incomplete, exit code 0", async () => {
  using place = await withRepository();
  const result = await place.run(["snapshot", "create", "source"], { signal: AbortSignal.abort() });
  expect(result.exitCode).toBe(0);
  expect(result.stderr).toContain("Upload canceled");
});

test("a read-only connection lists and refuses to write", async () => {
  using place = await withRepository();
  await place.ok("snapshot", "create", "source");
  const before = readdirSync(join(place.path, "repo"), { recursive: true }).length;
  await place.ok("repository", "set-client", "--read-only");
  expect(await listed(place)).toHaveLength(1);
  const { exitCode, stderr } = await place.run(["snapshot", "create", "source"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Connect without --readonly to write. (STORAGE_READ_ONLY)");
  expect(readdirSync(join(place.path, "repo"), { recursive: true })).toHaveLength(before);
});

test("a token connects again, with its password", async () => {
  using place = await withRepository();
  const { stdout } = await place.ok("repository", "status", "-t", "-s");
  const token = /--token (\S+)/.exec(stdout)?.[1] ?? "";
  await place.ok("repository", "disconnect");
  expect((await place.run(["snapshot", "list"])).exitCode).toBe(1);
  const options = { env: { KOPIA_PASSWORD: "" } };
  const argv = ["repository", "connect", "from-config", "--token", token];
  expect(await place.run(argv, options)).toMatchObject({
    exitCode: 0,
    stderr: "Connected to repository.\n",
  });
  expect((await place.run(["policy", "list"], options)).stdout).toContain("(global)");
});

test("set-client changes only the connection, and nothing to change is an error", async () => {
  using place = await withRepository();
  const { stderr } = await place.ok("repository", "set-client", "--username=u", "--hostname=h");
  expect(stderr).toBe("Setting local username to u\nSetting local hostname to h\n");
  const nothing = await place.run(["repository", "set-client"]);
  expect(nothing).toMatchObject({ exitCode: 1, stderr: "no changes\n" });
  await place.ok("snapshot", "create", "source");
  expect((await place.ok("snapshot", "list")).stdout).toContain(`u@h:${place.source}`);
});

test("identical snapshots are not saved where the policy says so", async () => {
  using place = await withRepository();
  await place.ok("policy", "set", "source", "--ignore-identical-snapshots=true");
  await place.ok("snapshot", "create", "source");
  const { stdout, stderr } = await place.ok("snapshot", "create", "source", "--json");
  expect(stdout).toBe("");
  expect(stderr).toContain(
    " Not saving snapshot because no files have been changed since previous snapshot\n",
  );
  expect(await listed(place)).toHaveLength(1);
});

test("contents and blobs of a fresh repository verify", async () => {
  using place = await withRepository();
  await place.ok("snapshot", "create", "source");
  const contents = await place.ok("content", "verify", "--full");
  expect(contents.stderr).toContain('"totalErrorCount":0,');
  const snapshots = await place.ok("snapshot", "verify", "--verify-files-percent=100", "--json");
  expect(JSON.parse(snapshots.stdout)).toMatchObject({ errorCount: 0 });
});
