import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { HAS_TERMINAL, runOnTerminal } from "./pseudo-terminal.ts";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));

async function connected(place: Workplace): Promise<Workplace> {
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`);
  return place;
}

function logsOf(place: Workplace, kind: string): readonly string[] {
  const directory = join(place.path, "cache", "kopia", kind);
  return existsSync(directory)
    ? readdirSync(directory).filter((name) => name.startsWith("kopia-"))
    : [];
}

describe("log files", () => {
  test("have Kopia's names and lines, and a link to the newest", async () => {
    using place = createWorkplace();
    await connected(place);
    await place.run(["manifest", "show", "ff"]);
    const directory = join(place.path, "cache", "kopia", "cli-logs");
    const name = logsOf(place, "cli-logs").find((file) => file.includes("manifest-show")) ?? "";
    expect(name).toMatch(/^kopia-\d{8}-\d{6}-\d+-manifest-show\.0\.log$/);
    expect(lstatSync(join(directory, "latest.log")).isSymbolicLink()).toBe(true);
    const lines = readFileSync(join(directory, name), "utf8").trimEnd().split("\n");
    expect(lines[0]).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z DEBUG kopia\/repo \[STORAGE\] GetBlob\t\{"blobID":"kopia\.repository","offset":0,"length":-1,"outputLength":\d+,"error":null,"duration":"[^"]+"\}$/,
    );
    expect(lines.join("\n")).toMatch(/Z ERROR kopia\/cli error getting metadata for "ff"/);
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    const tag = readFileSync(join(directory, "CACHEDIR.TAG"), "utf8");
    expect(tag).toContain("Signature: 8a477f597d28d172789f06886806bc55");
    const [content = ""] = logsOf(place, "content-logs");
    const line = readFileSync(join(place.path, "cache/kopia/content-logs", content), "utf8");
    expect(Object.keys(JSON.parse(line.split("\n")[0] ?? "") as object).slice(0, 5)).toEqual([
      "t",
      "span:client",
      "span:repo",
      "n",
      "m",
    ]);
  });

  test("go where flags say, as JSON, from a level on, or nowhere", async () => {
    using place = createWorkplace();
    await connected(place);
    const before = logsOf(place, "cli-logs").length;
    await place.run(["manifest", "show", "ff", "--disable-file-logging"]);
    expect(logsOf(place, "cli-logs")).toHaveLength(before);
    await place.run(["manifest", "show", "ff", `--log-dir=${place.path}/logs`]);
    expect(readdirSync(join(place.path, "logs")).sort()).toEqual(["cli-logs", "content-logs"]);
    const file = join(place.path, "own.log");
    const json = [`--log-file=${file}`, "--json-log-file", "--file-log-level=error"];
    await place.run(["manifest", "show", "ff", ...json]);
    const [line = ""] = readFileSync(join(place.path, "own.0.log"), "utf8").split("\n");
    expect(JSON.parse(line)).toMatchObject({ l: "ERROR", n: "kopia/cli" });
  });

  test("are swept by count, age and size; other files stay", async () => {
    using place = createWorkplace();
    await connected(place);
    const directory = join(place.path, "cache", "kopia", "cli-logs");
    const old = join(directory, "kopia-20200101-000000-1-snapshot-list.0.log");
    writeFileSync(old, "old\n");
    utimesSync(old, 1, 1);
    writeFileSync(join(directory, "notes.log"), "mine\n");
    await place.ok("policy", "list");
    expect(existsSync(old)).toBe(false);
    for (let i = 0; i < 4; i++)
      writeFileSync(join(directory, `kopia-2020010${i}-000000-1-x.0.log`), "x".repeat(2000));
    await place.ok("policy", "list", "--log-dir-max-files=2");
    expect(logsOf(place, "cli-logs")).toHaveLength(2);
    await place.run(["policy", "list"], { env: { KOPIA_LOG_DIR_MAX_SIZE_MB: "0.0001" } });
    expect(logsOf(place, "cli-logs")).toHaveLength(0);
    expect(existsSync(join(directory, "notes.log"))).toBe(true);
  });

  test("that cannot be written do not stop a command", async () => {
    using place = createWorkplace();
    await connected(place);
    writeFileSync(join(place.path, "file"), "");
    const run = await place.run(["policy", "list", `--log-dir=${place.path}/file/below`]);
    expect(run.exitCode).toBe(0);
    expect(run.stderr.match(/unable to write log file/g)).toHaveLength(1);
  });
});

describe("messages on stderr", () => {
  test("as JSON: one object a failure, times on request", async () => {
    using place = createWorkplace();
    const run = await place.run(["policy", "list", "--json-log-console", "--console-timestamps"]);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toBe("");
    const lines = run.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(Object.keys(JSON.parse(lines[0] ?? "") as object)).toEqual([
      "t",
      "n",
      "m",
      "cause",
      "advice",
    ]);
    expect(lines[0]).toContain('"m":"open repository: repository is not connected. See ');
  });

  test("with times, and storage operations at level debug unless turned off", async () => {
    using place = createWorkplace();
    await connected(place);
    const timed = await place.run(["manifest", "show", "ff", "--console-timestamps"]);
    expect(timed.stderr).toMatch(/^\d\d:\d\d:\d\d\.\d{3} error getting metadata/);
    const debug = await place.ok("policy", "list", "--log-level=debug");
    expect(debug.stderr).toContain('[STORAGE] GetBlob\t{"blobID":"kopia.repository"');
    const quiet = await place.ok("policy", "list", "--log-level=debug", "--no-trace-storage");
    expect(quiet.stderr).not.toContain("[STORAGE]");
  });
});

describe("completion", () => {
  const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
    using place = createWorkplace();
    const { stdout } = await place.run(["--completion-bash", ...words], { plain: true });
    return stdout.split("\n").filter((line) => line !== "");
  };

  test("offers commands, flags and values", async () => {
    const top = await complete("");
    expect(top).toContain("snapshot");
    expect(top).toContain("help");
    expect(top).not.toContain("blob");
    expect(await complete("blob", "")).toContain("stats");
    expect(await complete("snap", "l")).toContain("list");
    expect(await complete("snapshot", "list", "--")).toEqual(
      expect.arrayContaining(["--storage-stats", "--config-file"]),
    );
    expect(await complete("snapshot", "list", "")).toEqual([]);
    for (const words of [["--ecc", ""], ["--ecc", "="], ["--ecc="], ["--ecc", "=", "R"]])
      expect(await complete("repository", "create", "filesystem", ...words)).toEqual([
        "REED-SOLOMON-CRC32",
      ]);
  });

  test("bash completes with the script", () => {
    const script = `
      eval "$("$0" --completion-script-bash)"
      COMP_WORDS=("$0" repository sync-to file) COMP_CWORD=3
      _kopia_completions
      echo "\${COMPREPLY[@]}"`;
    const run = spawnSync("bash", ["-c", script, LAUNCHER], { encoding: "utf8" });
    expect(run.stdout).toBe("filesystem\n");
  });

  test.for(["zsh", "fish"])("the script for %s is valid", (shell, { skip }) => {
    const script = spawnSync(LAUNCHER, [`--completion-script-${shell}`], { encoding: "utf8" });
    expect(script.status).toBe(0);
    expect(script.stdout).toContain("--completion-bash");
    using place = createWorkplace();
    const path = join(place.path, `kopia.${shell}`);
    writeFileSync(path, script.stdout);
    const check = spawnSync(shell, ["-n", path], { encoding: "utf8" });
    skip(check.error !== undefined, `there is no ${shell} here`);
    expect(check).toMatchObject({ status: 0, stderr: "" });
  });
});

/** A `kopia` to be found by its name: it completes as ours does, and prints the words of everything else. */
function pathWithKopia(place: Workplace): string {
  mkdirSync(join(place.path, "bin"));
  const script = `#!/bin/sh
case "$1" in --completion-*) exec '${LAUNCHER}' "$@" ;; esac
echo "words: $*"
`;
  writeFileSync(join(place.path, "bin/kopia"), script, { mode: 0o755 });
  return `${place.path}/bin:${process.env["PATH"] ?? ""}`;
}

const HAS_FISH = spawnSync("fish", ["-c", "true"]).status === 0;
const HAS_ZSH = HAS_TERMINAL && spawnSync("zsh", ["-c", "true"]).status === 0;

test.skipIf(!HAS_FISH)("fish completes with the script (needs fish)", () => {
  using place = createWorkplace();
  const path = pathWithKopia(place);
  const run = (line: string): readonly string[] => {
    const script = `kopia --completion-script-fish | source; complete -C '${line}'`;
    const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", script], {
      encoding: "utf8",
      env: { HOME: place.path, PATH: path, TERM: "dumb" },
      cwd: place.path,
    });
    expect(stderr).toBe("");
    return stdout.split("\n").filter((word) => word !== "");
  };
  writeFileSync(join(place.path, "some-file"), "");
  expect(run("kopia repository sync-to file")).toEqual(["filesystem"]);
  expect(run("kopia snapshot list --storage")).toEqual(["--storage-stats"]);
  expect(run("kopia --log-level ")).toEqual(["debug", "error", "info", "warning"]);
  expect(run("kopia snapshot create some")).toEqual(["some-file"]);
});

test.skipIf(!HAS_ZSH)("zsh completes with the script (needs zsh and python3)", () => {
  using place = createWorkplace();
  const path = pathWithKopia(place);
  writeFileSync(join(place.path, "some-file"), "");
  const answers = [
    "autoload -Uz compinit; compinit -u -D\n",
    'eval "$(kopia --completion-script-zsh)"\n',
    "kopia repository sync-to file\t\n",
    "kopia snapshot list --storage\t\n",
    "kopia snapshot create some\t\n",
    "exit\n",
  ];
  const { shown } = runOnTerminal({
    program: "zsh",
    argv: ["-f", "-i", "+o", "promptsp", "+o", "promptcr"],
    answers,
    // zsh then lets terminals mark what is pasted.
    prompt: "next> \u001B[?2004h",
    cwd: place.path,
    env: { HOME: place.path, PATH: path, TERM: "dumb", PS1: "next> " },
  });
  expect(shown.match(/^words: .*(?=\r)/gm)).toEqual([
    "words: repository sync-to filesystem",
    "words: snapshot list --storage-stats",
    "words: snapshot create some-file",
  ]);
});

describe("metrics", () => {
  test("are pushed at start and end, grouped, with credentials", async () => {
    using place = createWorkplace();
    await connected(place);
    const seen: { url: string; auth: string; type: string; body: string }[] = [];
    const server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        const { authorization = "", "content-type": type = "" } = request.headers;
        seen.push({ url: request.url ?? "", auth: authorization, type, body });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await place.ok(
      "snapshot",
      "list",
      `--metrics-push-addr=http://127.0.0.1:${port}/`,
      "--metrics-push-grouping=cluster:a/b",
      "--metrics-push-username=me",
      "--metrics-push-password=pw",
      "--metrics-push-format=open-metrics",
    );
    server.close();
    expect(seen).toHaveLength(2);
    expect(seen[1]).toMatchObject({
      url: "/metrics/job/kopia/cluster/a%2Fb",
      auth: `Basic ${Buffer.from("me:pw").toString("base64")}`,
      type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    });
    expect(seen[1]?.body).toMatch(/# TYPE kopia_blob_download_full_blob_bytes counter\n/);
    expect(seen[1]?.body).toMatch(/kopia_blob_download_full_blob_bytes_total [1-9]/);
    expect(seen[1]?.body).toMatch(
      /kopia_blob_storage_latency_ms_count\{method="ListBlobs"\} [1-9]/,
    );
    expect(seen[1]?.body.endsWith("# EOF\n")).toBe(true);
  });

  test("are served while a command runs", async () => {
    using place = createWorkplace();
    await connected(place);
    const address = `127.0.0.1:${await freePort()}`;
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const fails = await place.run(["policy", "list", `--metrics-listen-addr=127.0.0.1:${port}`]);
    taken.close();
    expect(fails).toMatchObject({ exitCode: 1 });
    expect(fails.stderr).toContain("unable to start observability facilities: ");
    let body = "";
    const input = (async function* () {
      for (const path of ["metrics", "other"]) {
        const response = await fetch(`http://${address}/${path}`);
        body += `${response.status} ${await response.text()}`;
      }
      yield Buffer.from("x");
    })();
    const argv = ["snapshot", "create", "--stdin-file=x", `${place.path}/y`];
    const run = await place.run([...argv, `--metrics-listen-addr=${address}`], { input });
    expect(run.exitCode).toBe(0);
    expect(body).toMatch(/^200 # HELP kopia_/);
    expect(body).toContain("404 page not found");
  });

  test("and profiles are stored at the end", async () => {
    using place = createWorkplace();
    await connected(place);
    const directory = join(place.path, "diagnostics");
    await place.ok(
      "policy",
      "list",
      "--metrics-store-on-exit",
      "--profile-cpu",
      `--diagnostics-output-directory=${directory}`,
    );
    const [run = ""] = readdirSync(directory);
    expect(run).toMatch(/^\d{8}-\d{6}-policy-list$/);
    expect(readFileSync(join(directory, run, "kopia-metrics.prom"), "utf8")).toContain(
      "kopia_blob_list_items_total",
    );
    expect(readdirSync(join(directory, run, "profiles")).sort()).toEqual([
      "cpu.cpuprofile",
      "heap.heapprofile",
    ]);
  });
});

test("signals end a command that is waiting, with nothing half-done", async () => {
  using place = createWorkplace();
  await connected(place);
  for (const signal of ["TERM", "INT"]) {
    const script = `(sleep 2; kill -${signal} $$) & exec "$0" "$@" < /dev/zero`;
    const run = spawnSync(
      "sh",
      ["-c", script, LAUNCHER, "snapshot", "create", "--stdin-file=x", "/y", "--json"],
      {
        encoding: "utf8",
        timeout: 30_000,
        env: { PATH: process.env["PATH"], HOME: place.path, KOPIA_PASSWORD: "test-password" },
      },
    );
    expect(run.signal).toBeNull();
  }
  mkdirSync(join(place.path, "source"));
  await place.ok("snapshot", "verify");
});

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => resolve(Buffer.concat(pieces).toString("utf8")));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
