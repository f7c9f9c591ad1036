import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, Script } from "node:vm";
import { systemClock } from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, treeRows, type Fixture } from "@kopia-engine/test-fixtures";
import { rolldown, type OutputChunk } from "rolldown";
import { beforeAll, expect, test } from "vitest";
import type { PageResult } from "./page.ts";
import { serveRepository } from "./serve-repository.ts";

let bundle: OutputChunk;
const warnings: string[] = [];

beforeAll(async () => {
  const build = await rolldown({
    input: fileURLToPath(new URL("page.ts", import.meta.url)),
    platform: "browser",
    onLog: (_level, log) => warnings.push(log.message),
  });
  const { output } = await build.generate({ format: "esm", codeSplitting: false });
  await build.close();
  expect(output.length).toBe(1);
  bundle = output[0];
});

test("the read path bundles for the browser without a single import of Node", () => {
  expect(bundle.imports).toEqual([]);
  expect(bundle.dynamicImports).toEqual([]);
  expect(bundle.moduleIds.filter((id) => id.startsWith("node:"))).toEqual([]);
  expect(bundle.code).not.toMatch(/\b(import|require)\s*\(\s*["'`](node:|fs|path|crypto)/);
  expect(bundle.code).not.toMatch(/^\s*(import|export)\s[^;]*["']/m);
  expect(warnings).toEqual([]);
  // The encoder of zstd alone would double it; reading needs none.
  expect(bundle.code.length).toBeLessThan(1_200_000);
  const own = bundle.moduleIds.filter((id) => id.includes("/packages/"));
  expect(own.some((id) => id.endsWith("kopia-format/src/browser.ts"))).toBe(true);
  expect(own.some((id) => id.endsWith("kopia-format/src/index.ts"))).toBe(false);
});

/** Everything in here is there in a browser; nothing of Node is. */
function platformWithoutNode(base: string): object {
  return createContext({
    repositoryBase: base,
    URL,
    Response,
    TextDecoder,
    TextEncoder,
    clearTimeout,
    crypto: globalThis.crypto,
    fetch,
    // oxlint-disable-next-line no-restricted-globals -- the platform's own, for the page's clock
    performance,
    // oxlint-disable-next-line no-restricted-globals
    setTimeout,
    atob,
  });
}

/** A page that says nothing must not leave its browser behind. */
async function tooLate(): Promise<never> {
  await systemClock.sleep(90_000);
  throw new Error("the page gave no result within 90 s");
}

async function readWithoutNode(fixture: Fixture): Promise<PageResult> {
  using repository = fixture.unpack();
  const { code: script } = bundle;
  const { password } = fixture;
  await using served = await serveRepository(repository.path, { password, script });
  const { url } = served;
  const running = new Script(`(async () => {${script}\n})()`).runInContext(
    platformWithoutNode(url),
  ) as Promise<void>;
  const result = await Promise.race([served.result, running.then(() => served.result), tooLate()]);
  await running;
  expect(served.rangeCount()).toBeGreaterThan(0);
  return result;
}

/** Compares with what the real program restored. @returns the number of files. */
function expectAsRecorded(fixture: Fixture, result: PageResult): number {
  expect(result.error).toBeUndefined();
  let fileCount = 0;
  for (const [id, { files }] of Object.entries(result.snapshots)) {
    if (fixture.record.trees?.[id] === undefined) continue;
    const expected = treeRows(fixture, id)
      .filter(([path, type]) => type === "f" && typeof path === "string")
      .map(([path, , , size, , digest]) => [path, size, digest]);
    const names = new Set(expected.map(([path]) => path));
    const found = files.filter(([path]) => names.has(path));
    expect(byPath(found)).toEqual(byPath(expected));
    fileCount += found.length;
  }
  expect(Object.keys(result.snapshots)).toEqual(
    expect.arrayContaining(Object.keys(fixture.record.trees ?? {})),
  );
  return fileCount;
}

function byPath(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  return rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}

/** Repositories that use every algorithm a reader can meet; all healthy ones where all are at hand. */
const NAMES = fixtureNames(
  (process.env["KOPIA_FIXTURES"] ?? "") === ""
    ? /^fs-(v0231-(cipher-chacha20|compressors|ecc-20-corrected|format1-compacted|hash-hmac-sha3-224)|v0223-compressors-lz4|v098-default)$/
    : /^fs-/,
);

test.each(NAMES)(
  "%s: restored without Node, every file as recorded",
  { timeout: 120_000 },
  async (name) => {
    const fixture = loadFixture(name);
    const result = await readWithoutNode(fixture);
    expect(result.nodeGlobals).toEqual([]);
    expect(expectAsRecorded(fixture, result)).toBeGreaterThan(0);
    // Which providers are active there: WebAssembly is, what only Node has is not.
    for (const [algorithm, provider] of Object.entries(result.providers)) {
      const isCompiled = /^(BLAKE|s2)/.test(algorithm);
      expect(provider, algorithm).toBe(isCompiled ? "fast" : "portable");
    }
  },
);

const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

test
  .skipIf(CHROMIUM === undefined)
  .each(NAMES.filter((name) => /v0231-compressors|v098-default/.test(name)))(
  "%s: restored by headless Chromium (needs chromium)",
  { timeout: 120_000 },
  async (name) => {
    const fixture = loadFixture(name);
    using repository = fixture.unpack();
    const { code: script } = bundle;
    const { password } = fixture;
    await using served = await serveRepository(repository.path, { password, script });
    const profile = mkdtempSync(join(tmpdir(), "kopia-chromium-"));
    const browser = spawn(
      CHROMIUM as string,
      [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        `--user-data-dir=${profile}`,
        `${served.url}/`,
      ],
      { stdio: "ignore", detached: true },
    );
    const ended = new Promise((resolve) => browser.once("exit", resolve));
    try {
      const result = await Promise.race([served.result, tooLate()]);
      expect(result.nodeGlobals).toEqual([]);
      expect(expectAsRecorded(fixture, result)).toBeGreaterThan(0);
    } finally {
      // The browser and its helpers are one process group of their own.
      process.kill(-(browser.pid as number), "SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);
