import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const KOPIA = process.env["KOPIA_EXE"] ?? "";
const IDENTITY = ["--override-username=u", "--override-hostname=h"];
const CONFIG = "repository.config";

/** Runs the real program over the connection file of the place, or another one. */
function real(place: Workplace, argv: readonly string[], extra: object = {}): RunResult {
  const run = spawnSync(KOPIA, argv, {
    encoding: "utf8",
    cwd: place.path,
    input: "",
    timeout: 60_000,
    env: {
      HOME: place.path,
      XDG_CACHE_HOME: join(place.path, "real-cache"),
      TZ: "UTC",
      KOPIA_CONFIG_PATH: join(place.path, CONFIG),
      KOPIA_CHECK_FOR_UPDATES: "false",
      ...extra,
    },
  });
  return { exitCode: run.status ?? -1, stdout: run.stdout, stderr: run.stderr };
}

const NO_PASSWORD = { env: { KOPIA_PASSWORD: "" } };

describe.skipIf(KOPIA === "")("between the programs (needs KOPIA_EXE)", () => {
  test("connection file and stored password written by one are used by the other", async () => {
    using place = createWorkplace();
    const path = `--path=${place.path}/repo`;
    await place.ok("repository", "create", "filesystem", path, ...IDENTITY);
    expect(real(place, ["policy", "list"])).toMatchObject({ exitCode: 0 });
    expect(real(place, ["repository", "set-client", "--description=theirs"]).exitCode).toBe(0);
    expect(real(place, ["repository", "throttle", "set", "--concurrent-reads=7"]).exitCode).toBe(0);
    expect(real(place, ["cache", "set", "--content-cache-size-mb=77"]).exitCode).toBe(0);
    const ours = await place.run(["repository", "status"], NO_PASSWORD);
    expect(ours.stdout).toContain("Description:         theirs\n");
    const limits = await place.run(["repository", "throttle", "get", "--json"], NO_PASSWORD);
    expect(limits.stdout).toBe('{"concurrentReads":7}\n');
    const before = readFileSync(join(place.path, CONFIG), "utf8");
    // Writing the same again changes no byte of what the other wrote.
    await place.ok("cache", "set", "--content-cache-size-mb=77");
    expect(readFileSync(join(place.path, CONFIG), "utf8")).toBe(before);

    expect(real(place, ["repository", "disconnect"]).exitCode).toBe(0);
    const connect = ["repository", "connect", "filesystem", path, ...IDENTITY];
    expect(real(place, connect, { KOPIA_PASSWORD: "test-password" }).exitCode).toBe(0);
    expect((await place.run(["policy", "list"], NO_PASSWORD)).exitCode).toBe(0);
    await place.ok("repository", "change-password", "--new-password=fresh");
    expect(real(place, ["policy", "list", "--disable-file-logging"]).exitCode).toBe(0);
  });

  test("reconnect tokens of one connect the other", async () => {
    using place = createWorkplace();
    const path = `--path=${place.path}/repo`;
    await place.ok("repository", "create", "filesystem", path, ...IDENTITY);
    const ours = await place.ok("repository", "status", "-ts");
    const theirs = real(place, ["repository", "status", "-ts"]);
    const [a, b] = [ours, theirs].map(({ stdout }) => /--token (\S+)/.exec(stdout)?.[1] ?? "");
    expect(a).not.toBe("");
    await place.ok("repository", "disconnect");
    const connect = ["repository", "connect", "from-config"];
    expect(real(place, [...connect, `--token=${a}`]).exitCode).toBe(0);
    await place.ok("repository", "disconnect");
    expect((await place.run([...connect, `--token=${b}`], NO_PASSWORD)).exitCode).toBe(0);
    writeFileSync(join(place.path, "token"), `${a}\n`);
    const stdin = Buffer.from(`${b}\n`);
    const piped = await place.run([...connect, "--token-stdin"], { stdin, ...NO_PASSWORD });
    expect(piped.exitCode).toBe(0);
    expect(real(place, [...connect, `--token-file=${place.path}/token`]).exitCode).toBe(0);
  });

  test("policies exported by one and imported by the other stay the same", async () => {
    using place = createWorkplace();
    await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...IDENTITY);
    await place.ok(
      "policy",
      "set",
      "/a",
      "--add-ignore=*.x",
      "--snapshot-time=3:00",
      "--no-manual",
    );
    await place.ok("policy", "set", "@h", "--compression=zstd", "--keep-annual=0");
    const file = `${place.path}/policies.json`;
    await place.ok("policy", "export", `--to-file=${file}`);
    const exported = readFileSync(file, "utf8");
    expect(real(place, ["policy", "export"]).stdout).toBe(exported);
    await place.ok("policy", "delete", "/a", "@h");
    expect(real(place, ["policy", "import", `--from-file=${file}`]).exitCode).toBe(0);
    expect((await place.ok("policy", "export")).stdout).toBe(exported);
    await place.ok("policy", "import", `--from-file=${file}`, "--delete-other-policies");
    expect(real(place, ["policy", "export"]).stdout).toBe(exported);
  });

  test("copies of sync-to are opened and verified by the other, and continued", async () => {
    using place = createWorkplace();
    await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...IDENTITY);
    mkdirSync(join(place.path, "source"));
    writeFileSync(join(place.path, "source", "a"), new Uint8Array(3 << 20).fill(5));
    await place.ok("snapshot", "create", "source");
    for (const name of ["one", "two"]) mkdirSync(join(place.path, name));
    const to = (name: string) => [
      "repository",
      "sync-to",
      "filesystem",
      `--path=${place.path}/${name}`,
    ];
    await place.ok(...to("one"), "--times", "--parallel=3");
    expect(real(place, to("two")).exitCode).toBe(0);
    writeFileSync(join(place.path, "source", "b"), "b");
    await place.ok("snapshot", "create", "source");
    expect(real(place, [...to("one"), "--delete"]).exitCode).toBe(0);
    await place.ok(...to("two"), "--delete");
    for (const name of ["one", "two"]) {
      rmSync(join(place.path, "real-cache"), { recursive: true, force: true });
      const connect = ["repository", "connect", "filesystem", `--path=${place.path}/${name}`];
      expect(
        real(place, [...connect, ...IDENTITY], { KOPIA_PASSWORD: "test-password" }).exitCode,
      ).toBe(0);
      const verify = ["snapshot", "verify", "--verify-files-percent=100"];
      expect(real(place, verify).exitCode).toBe(0);
      const { stdout } = await place.ok("snapshot", "list", "--json", "--all");
      expect(JSON.parse(stdout)).toHaveLength(2);
      await place.ok(...verify);
    }
  });

  test("logs that one leaves in the repository are shown by the other", async () => {
    using place = createWorkplace();
    await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`, ...IDENTITY);
    expect(real(place, ["policy", "set", "--global", "--keep-latest=4"]).exitCode).toBe(0);
    const ours = await place.ok("logs", "list", "--all");
    expect(real(place, ["logs", "list", "--all"]).stdout).toBe(ours.stdout);
    const shown = await place.ok("logs", "show", "--all");
    expect(real(place, ["logs", "show", "--all"]).stdout).toBe(shown.stdout);
    expect(shown.stdout.match(/"m":"PutBlob"/g)?.length).toBeGreaterThan(4);
    await place.ok("logs", "cleanup", "--max-count=1");
    expect(real(place, ["logs", "list", "--all"]).stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});
