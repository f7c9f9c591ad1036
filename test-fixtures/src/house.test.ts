import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROOMS = [
  "packages/kopia-format",
  "packages/snapshotter",
  "packages/cli",
  "packages/mover",
  "test-fixtures",
  "bench",
];

interface PackageJson {
  readonly name?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly publishConfig?: { readonly exports: Readonly<Record<string, unknown>> };
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
}

function readPackage(path: string): PackageJson {
  return readJson(path) as PackageJson;
}

function sourceFiles(room: string): string[] {
  return readdirSync(join(ROOT, room, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.(test|wasm)\.ts$/.test(file))
    .map((file) => join(ROOT, room, "src", file));
}

/** Lines of exports without a docstring; of overloads only the first needs one. */
function undocumentedExports(source: string): number[] {
  const lines = source.split("\n");
  const documented = new Set<string>();
  return lines.flatMap((line, index) => {
    const name =
      /^export (?:async |abstract )?(?:function\*?|class|interface|type|const) (\w+)/.exec(
        line,
      )?.[1];
    if (name === undefined || documented.has(name)) return [];
    let before = index - 1;
    while (/^\/\/ ox(lint|fmt)/.test(lines[before] ?? "")) before--;
    if (!(lines[before] ?? "").trim().endsWith("*/")) return [index + 1];
    documented.add(name);
    return [];
  });
}

describe.each(ROOMS)("%s", (room) => {
  test("every exported symbol has a docstring", () => {
    const bare = sourceFiles(room).flatMap((file) =>
      undocumentedExports(readFileSync(file, "utf8")).map(
        (line) => `${relative(ROOT, file)}:${line}`,
      ),
    );
    expect(bare).toEqual([]);
  });

  test("project references are the workspace dependencies", () => {
    const { dependencies = {} } = readPackage(`${room}/package.json`);
    const wanted = Object.entries(dependencies)
      .filter(([, version]) => version.startsWith("workspace:"))
      .map(([name]) => name)
      .toSorted((a, b) => a.localeCompare(b));
    const { references } = readJson(`${room}/tsconfig.json`) as { references: { path: string }[] };
    const referenced = references
      .map(({ path }) => readPackage(join(room, path, "package.json")).name)
      .toSorted((a = "", b = "") => a.localeCompare(b));
    expect(referenced).toEqual(wanted);
  });

  test("what package.json exports exists, in both forms", () => {
    const { exports = {}, publishConfig } = readPackage(`${room}/package.json`);
    // A door is one file, or one for each condition that a bundler may ask for.
    const targets = Object.values(exports).flatMap((door) =>
      typeof door === "string" ? [door] : Object.values(door),
    );
    for (const target of targets) expect(existsSync(join(ROOT, room, target)), target).toBe(true);
    if (publishConfig !== undefined)
      expect(Object.keys(publishConfig.exports)).toEqual(Object.keys(exports));
  });
});

test("every `pnpm@12` command of the README is a script", () => {
  const { scripts = {} } = readPackage("package.json");
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const commands = [...readme.matchAll(/npx -y pnpm@12 (\w+)/g)].map((match) => match[1] ?? "");
  expect(commands.length).toBeGreaterThanOrEqual(2);
  for (const command of commands) expect(Object.keys(scripts)).toContain(command);
});

test("every relative link of the documents leads somewhere", () => {
  const broken: string[] = [];
  const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].concat(
    readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join("docs", file)),
  );
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(((?!https?:|#|mailto:)[^)#]+)/g))
      if (!existsSync(join(ROOT, dirname(document), target)))
        broken.push(`${document} → ${target}`);
  }
  expect(broken).toEqual([]);
});
