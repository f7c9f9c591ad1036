import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { type RunResult, type Workplace, createWorkplace } from "./run-kopia.ts";

/** One of the two programs with the same folders and a trace that its actions write. */
interface Stage {
  readonly place: Workplace;
  run(...argv: readonly string[]): Promise<RunResult>;
  /** An action that notes what it was told, and then does more. */
  action(name: string, more?: string): string;
  /** What actions noted since the last time, without what differs from run to run. */
  trace(): readonly string[];
  snapshot(...flags: readonly string[]): Promise<Outcome>;
}

/** What a snapshot came to. */
interface Outcome {
  readonly exitCode: number;
  readonly trace: readonly string[];
  readonly messages: readonly string[];
  /** Name of the root, and paths below it. */
  readonly tree: readonly string[];
  readonly root: string;
}

interface ListedSnapshot {
  readonly rootEntry: { readonly name: string; readonly obj: string };
}

async function createStage(
  place: Workplace,
  run: (argv: readonly string[]) => Promise<RunResult>,
  connectFlags: readonly string[] = ["--enable-actions"],
): Promise<Stage> {
  const at = (path: string): string => join(place.path, path);
  for (const path of ["src/a/deep", "src/b", "other"]) mkdirSync(at(path), { recursive: true });
  for (const path of ["src/a/f", "src/a/deep/f", "src/b/f", "src/r", "other/o", "other/ign"])
    writeFileSync(at(path), path);
  for (const path of ["src/a/deep", "src/a", "src/b", "src", "other"]) utimesSync(at(path), 1, 2e9);
  const traceFile = at("trace");
  const mask = (text: string): string => text.replaceAll(place.path, "@");
  const stage: Stage = {
    place,
    run: (...argv) => run(argv),
    action(name, more = "") {
      const path = at(`${name}.sh`);
      const variables = ["ACTION", "SOURCE_PATH", "SNAPSHOT_PATH"].map((v) => `$KOPIA_${v}`);
      const text = `#!/bin/sh\nn=$(printf %s "$KOPIA_SNAPSHOT_ID" | wc -c)\necho "${name} ${variables.join(" ")} $n" >> ${traceFile}\n${more}\n`;
      writeFileSync(path, text);
      chmodSync(path, 0o755);
      return path;
    },
    trace() {
      if (!existsSync(traceFile)) return [];
      const lines = mask(readFileSync(traceFile, "utf8")).trimEnd().split("\n");
      rmSync(traceFile);
      return lines;
    },
    async snapshot(...flags) {
      const result = await run(["snapshot", "create", at("src"), ...flags]);
      const list = JSON.parse(
        (await run(["snapshot", "list", at("src"), "--json"])).stdout,
      ) as ListedSnapshot[];
      const last = list.at(-1)?.rootEntry;
      const paths = last === undefined ? "" : (await run(["ls", "-r", last.obj])).stdout;
      const messages = mask(result.stderr)
        .split("\n")
        .filter((line) => / action|rror/.test(line));
      return {
        exitCode: result.exitCode,
        trace: stage.trace(),
        messages,
        tree: [
          last?.name ?? "",
          ...paths
            .trimEnd()
            .split("\n")
            .map((line) => line.replace(/^[^/]*\//, ""))
            .toSorted(),
        ],
        root: last?.obj ?? "",
      };
    },
  };
  const create = [
    "repository",
    "create",
    "filesystem",
    `--path=${at("repo")}`,
    ...IDENTITY,
    ...connectFlags,
  ];
  expect((await run(create)).exitCode).toBe(0);
  return stage;
}

async function setPolicy(stage: Stage, target: string, ...flags: readonly string[]): Promise<void> {
  const where = target === "--global" ? target : join(stage.place.path, target);
  const result = await stage.run("policy", "set", where, ...flags);
  expect(result.stderr + result.exitCode).toMatch(/0$/);
}

/** Actions around the root and folders, one of them two levels down. */
async function traceEverything(stage: Stage): Promise<void> {
  const before = stage.action("before");
  const after = stage.action("after");
  await setPolicy(
    stage,
    "--global",
    `--before-snapshot-root-action=${before}`,
    `--after-snapshot-root-action=${after}`,
  );
  for (const folder of ["src", "src/a", "src/a/deep"])
    await setPolicy(
      stage,
      folder,
      `--before-folder-action=${before}`,
      `--after-folder-action=${after}`,
    );
}

/** Each returns what is to be the same in both programs. */
const CASES: Readonly<Record<string, (stage: Stage) => Promise<readonly Outcome[]>>> = {
  "actions run around the root and around folders, also where nothing has changed": async (
    stage,
  ) => {
    await traceEverything(stage);
    return [await stage.snapshot(), await stage.snapshot()];
  },
  "an essential action that fails costs its folder": async (stage) => {
    await setPolicy(
      stage,
      "src/a",
      `--before-folder-action=${stage.action("fail", "exit 3")}`,
      `--after-folder-action=${stage.action("after")}`,
    );
    const plain = await stage.snapshot();
    await setPolicy(stage, "src/a", "--ignore-dir-errors=true");
    return [plain, await stage.snapshot()];
  },
  "an essential action that fails before the root ends the snapshot": async (stage) => {
    await traceEverything(stage);
    await setPolicy(stage, "src", "--before-folder-action=false");
    const folder = await stage.snapshot();
    await setPolicy(stage, "--global", "--before-snapshot-root-action=/not/there");
    return [folder, await stage.snapshot()];
  },
  "an optional action that fails is told": async (stage) => {
    await setPolicy(
      stage,
      "src/a",
      `--before-folder-action=${stage.action("fail", "exit 3")}`,
      "--action-command-mode=optional",
    );
    return [await stage.snapshot()];
  },
  "an action that fails after its folder is told": async (stage) => {
    await setPolicy(stage, "src/a", "--after-folder-action=false");
    await setPolicy(stage, "--global", "--after-snapshot-root-action=no-such-program");
    return [await stage.snapshot()];
  },
  "a script is run as such": async (stage) => {
    const script = stage.action(
      "script",
      "echo $0 | sed 's/.*[/]//' >> " + join(stage.place.path, "trace"),
    );
    writeFileSync(
      script,
      readFileSync(script, "utf8").replace("#!/bin/sh\n", "") + "false\necho not reached\n",
    );
    await setPolicy(stage, "src/a", `--before-folder-action=${script}`, "--persist-action-script");
    return [await stage.snapshot()];
  },
  "an action that takes too long is killed": async (stage) => {
    await setPolicy(
      stage,
      "src/a",
      "--before-folder-action=sleep 60",
      "--action-command-timeout=1s",
    );
    return [await stage.snapshot()];
  },
  "another directory takes the place of a folder": async (stage) => {
    const path = join(stage.place.path, "other");
    await setPolicy(stage, "src", "--add-ignore=ign");
    await setPolicy(
      stage,
      "src/a",
      `--before-folder-action=${stage.action("redirect", `echo hello; echo KOPIA_SNAPSHOT_PATH=${path}`)}`,
      `--after-folder-action=${stage.action("after")}`,
    );
    const everything = await stage.snapshot();
    await setPolicy(stage, "src/a", "--add-ignore=/ign");
    const without = await stage.snapshot();
    stage.action("redirect", `echo KOPIA_SNAPSHOT_PATH=${path}/o`);
    return [everything, without, await stage.snapshot()];
  },
  "another directory takes the place of the root": async (stage) => {
    await traceEverything(stage);
    await setPolicy(stage, "src", "--add-ignore=ign");
    const path = join(stage.place.path, "other");
    const redirect = stage.action("redirect", `echo KOPIA_SNAPSHOT_PATH=${path}`);
    await setPolicy(stage, "--global", `--before-snapshot-root-action=${redirect}`);
    const root = await stage.snapshot();
    await setPolicy(stage, "--global", "--before-snapshot-root-action=");
    await setPolicy(stage, "src", `--before-folder-action=${redirect}`);
    return [root, await stage.snapshot()];
  },
  "actions run only where they are allowed": async (stage) => {
    await traceEverything(stage);
    const forbidden = await stage.snapshot("--force-disable-actions");
    const both = await stage.snapshot("--force-enable-actions", "--force-disable-actions");
    expect([...forbidden.trace, ...both.trace]).toEqual([]);
    return [forbidden, both];
  },
};

test.each(Object.entries(CASES))("%s", async (_name, play) => {
  using place = createWorkplace();
  const stage = await createStage(place, (argv) => place.run(argv));
  const outcomes = await play(stage);
  const told = outcomes.map(({ exitCode, trace, messages, tree }) => ({
    exitCode,
    trace,
    messages,
    tree,
  }));
  expect(told).toMatchSnapshot();
});

test.skipIf(KOPIA === "").each(Object.entries(CASES))(
  "as in the real program: %s (needs KOPIA_EXE)",
  async (_name, play) => {
    using place = createWorkplace();
    const ours = await play(await createStage(place, (argv) => place.run(argv)));
    using realPlace = createWorkplace();
    const real = await play(
      await createStage(realPlace, (argv) => Promise.resolve(runReal(realPlace, argv))),
    );
    const comparable = ({ exitCode, trace, messages, tree }: Outcome): object => ({
      exitCode,
      trace,
      messages,
      tree,
    });
    expect(ours.map(comparable)).toEqual(real.map(comparable));
  },
);

test("without --enable-actions an action is only told of, unless it is forced", async () => {
  using place = createWorkplace();
  const stage = await createStage(place, (argv) => place.run(argv), []);
  await setPolicy(stage, "src/a", `--before-folder-action=${stage.action("before")}`);
  const quiet = await stage.snapshot();
  expect(quiet.trace).toEqual([]);
  expect(quiet.messages).toEqual([
    "Not executing before-folder action on @/src/a because it's been disabled for this client.",
  ]);
  expect((await stage.snapshot("--force-enable-actions")).trace).toHaveLength(1);
});

test("a folder has what the action before it put there, and all of it is read before the action after it", async () => {
  using place = createWorkplace();
  const stage = await createStage(place, (argv) => place.run(argv));
  const made = join(place.path, "src/a/deep/made");
  await setPolicy(
    stage,
    "src/a",
    `--before-folder-action=${stage.action("make", `echo made > ${made}`)}`,
    `--after-folder-action=${stage.action("drop", `rm ${made}`)}`,
  );
  for (let round = 0; round < 2; round++) {
    const outcome = await stage.snapshot();
    expect(outcome.exitCode).toBe(0);
    expect(outcome.tree).toContain("a/deep/made");
    expect(existsSync(made)).toBe(false);
  }
});

test("an async action goes on while the snapshot does", async () => {
  using place = createWorkplace();
  const stage = await createStage(place, (argv) => place.run(argv));
  const [go, done] = [join(place.path, "go"), join(place.path, "done")];
  // It ends only when the folder after it is entered: waiting for it would last until the timeout.
  await setPolicy(
    stage,
    "src/a",
    `--before-folder-action=${stage.action("waits", `until [ -e ${go} ]; do sleep 0.05; done; echo > ${done}`)}`,
    "--action-command-mode=async",
  );
  await setPolicy(
    stage,
    "src/b",
    `--before-folder-action=${stage.action("goes", `echo > ${go}; until [ -e ${done} ]; do sleep 0.05; done`)}`,
    "--action-command-timeout=20s",
  );
  const outcome = await stage.snapshot();
  expect(outcome.exitCode).toBe(0);
  expect(outcome.messages).toEqual([]);
});

test("after an interruption the actions after what was begun still run, and the snapshot is a partial one", async () => {
  using place = createWorkplace();
  const interrupt = new AbortController();
  const stage = await createStage(place, (argv) =>
    place.run(
      argv,
      argv[1] === "create" && argv[0] === "snapshot" ? { signal: interrupt.signal } : {},
    ),
  );
  await traceEverything(stage);
  const begun = join(place.path, "begun");
  await setPolicy(
    stage,
    "src/b",
    `--before-folder-action=${stage.action("begin", `echo > ${begun}; sleep 0.5`)}`,
    `--after-folder-action=${stage.action("end")}`,
  );
  const running = stage.snapshot();
  while (!existsSync(begun)) await new Promise(setImmediate);
  interrupt.abort();
  const { trace, tree } = await running;
  expect(trace.slice(-3)).toEqual([
    "end after-folder @/src/b @/src/b 16",
    "after after-folder @/src @/src 16",
    "after after-snapshot-root @/src @/src 16",
  ]);
  expect(tree).toContain("a/deep/f");
});
