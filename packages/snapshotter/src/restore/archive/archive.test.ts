import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createFilesystemRepository,
  openFilesystemRepository,
  type Repository,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../../model/directory-entry.ts";
import { createSnapshot } from "../../upload/create-snapshot.ts";
import { restoreTree } from "../restore-tree.ts";
import {
  type ArchiveFormat,
  archiveFormatOf,
  createArchiveOutput,
} from "./create-archive-output.ts";

const LONG = "long-".repeat(30);
const UMLAUT = "Größe – 大小";
const unpackers: Readonly<Record<ArchiveFormat, readonly string[]>> = {
  tar: ["tar", "-xpf"],
  tgz: ["tar", "-xpzf"],
  zip: ["unzip", "-q"],
  "zip-nocompress": ["unzip", "-q"],
};
const has = (program: string): boolean => spawnSync("which", [program]).status === 0;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "archive-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

async function withSnapshot(
  run: (repository: Repository, entry: DirectoryEntry) => Promise<void>,
): Promise<void> {
  const source = join(root, "source");
  mkdirSync(join(source, LONG, "inner"), { recursive: true });
  mkdirSync(join(source, "empty"));
  writeFileSync(join(source, "script.sh"), "echo hello\n", { mode: 0o751 });
  writeFileSync(join(source, "nothing"), "");
  writeFileSync(join(source, LONG, "inner", UMLAUT), "text ".repeat(50_000), { mode: 0o640 });
  writeFileSync(join(source, LONG, "inner", `${LONG}x`), Buffer.alloc(3 * 2 ** 20, "abc"));
  symlinkSync("../script.sh", join(source, "empty-link"));
  symlinkSync(`${LONG}/${LONG}`, join(source, "long-link"));
  utimesSync(join(source, "script.sh"), 1_600_000_000, 1_600_000_000);
  const options = { path: join(root, "repository"), password: "archive" };
  await (await createFilesystemRepository(options)).close();
  await using repository = await openFilesystemRepository(options);
  await using session = await repository.writeSession();
  const identity = { userName: "me", host: "here", path: source };
  const { manifest } = await createSnapshot(session, { source: identity });
  await session.flush();
  await run(repository, manifest.rootEntry as DirectoryEntry);
}

function expectEqualTrees(unpacked: string, source: string): void {
  const names = readdirSync(source, { recursive: true, encoding: "utf8" });
  expect(readdirSync(unpacked, { recursive: true, encoding: "utf8" }).toSorted(byText)).toEqual(
    names.toSorted(byText),
  );
  for (const name of names) {
    const [found, wanted] = [unpacked, source].map((place) => lstatSync(join(place, name)));
    expect(found?.isDirectory(), name).toBe(wanted?.isDirectory());
    if (wanted?.isSymbolicLink() === true)
      expect(readlinkSync(join(unpacked, name))).toBe(readlinkSync(join(source, name)));
    else expect(found?.mode, name).toBe(wanted?.mode);
    if (wanted?.isFile() !== true) continue;
    expect(Math.trunc((found?.mtimeMs ?? 0) / 1000), name).toBe(Math.trunc(wanted.mtimeMs / 1000));
    expect(readFileSync(join(unpacked, name)).equals(readFileSync(join(source, name)))).toBe(true);
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

test.each(Object.keys(unpackers) as ArchiveFormat[])(
  "%s unpacks to an equal tree",
  async (format) => {
    await withSnapshot(async (repository, entry) => {
      const path = join(root, "archive");
      await restoreTree({ repository, entry, output: createArchiveOutput(path, format) });
      expect(readdirSync(root).toSorted(byText)).toEqual(["archive", "repository", "source"]);
      const [program = "", ...words] = unpackers[format];
      if (!has(program)) return;
      mkdirSync(join(root, "unpacked"));
      const done = spawnSync(program, [...words, path], {
        cwd: join(root, "unpacked"),
        encoding: "utf8",
      });
      expect(done.stderr).toBe("");
      expect(done.status).toBe(0);
      expectEqualTrees(join(root, "unpacked"), join(root, "source"));
    });
  },
);

test("a restore that fails leaves no archive, and the old one stays", async () => {
  await withSnapshot(async (repository, entry) => {
    const path = join(root, "archive.tar");
    writeFileSync(path, "old");
    const signal = AbortSignal.abort(new Error("stop"));
    const output = createArchiveOutput(path, "tar");
    await expect(restoreTree({ repository, entry, output, signal })).rejects.toThrow("stop");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

test("a file that fails half-way is taken back, the rest is whole", async () => {
  const entry = { name: "f", type: "f", mode: 0o644, sizeBytes: 5n, modTime: 0n, uid: 0, gid: 0 };
  for (const format of ["tar", "zip"] as const) {
    const path = join(root, `archive.${format}`);
    const output = createArchiveOutput(path, format);
    const directory = output.openRoot({ ...entry, type: "d" } as unknown as DirectoryEntry);
    const broken = output.openFile(directory, { ...entry, name: "broken" } as never);
    broken.write(new Uint8Array(3));
    broken.abort();
    const whole = output.openFile(directory, entry as never);
    expect(() => whole.write(new Uint8Array(6))).toThrow("other bytes");
    whole.abort();
    const last = output.openFile(directory, { ...entry, name: "last" } as never);
    last.write(new Uint8Array(5));
    last.finish();
    output.complete?.();
    await output.close();
    expect(existsSync(path)).toBe(true);
    const program = format === "tar" ? ["tar", "-tf"] : ["unzip", "-Z1"];
    if (!has(program[0] ?? "")) continue;
    const list = spawnSync(program[0] ?? "", [program[1] ?? "", path], { encoding: "utf8" });
    expect(list.stdout).toBe("last\n");
  }
});

test("the target's name decides", () => {
  expect(["a.zip", "a.tar", "a.tgz", "a.tar.gz", "a"].map(archiveFormatOf)).toEqual([
    "zip",
    "tar",
    "tgz",
    "tgz",
    undefined,
  ]);
});
