import {
  defaultFormatFixtureNames,
  loadFixture,
  parseExactJson,
  readByLatest,
  type Fixture,
} from "@kopia-engine/test-fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

const IDENTITY = ["--override-username=root", "--override-hostname=fixhost"];

/** What was recorded from the real program under a key, and the command that prints it. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  snapshots: ["snapshot", "list", "--all", "--json", "--show-identical"],
  contents: ["content", "list", "--json", "--deleted"],
  manifests: ["manifest", "list", "--json"],
  policies: ["policy", "list", "--json"],
  indexes: ["index", "list", "--json"],
  blobs: ["blob", "list", "--json"],
};

/** Storage lists blobs in no promised order. */
const UNORDERED = new Set(["blobs"]);

describe.each(defaultFormatFixtureNames())("%s", (name) => {
  let fixture: Fixture;
  let place: Workplace;
  let repository: ReturnType<Fixture["unpack"]>;

  beforeAll(async () => {
    fixture = loadFixture(name);
    repository = fixture.unpack();
    place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
    await place.ok(
      "repository",
      "connect",
      "filesystem",
      "--path",
      repository.path,
      "--readonly",
      ...IDENTITY,
    );
  });

  afterAll(() => {
    place[Symbol.dispose]();
    repository.dispose();
  });

  test.each(Object.entries(LISTS))("%s are as recorded", async (key, argv) => {
    const recorded = recordedList(fixture, key);
    const { exitCode, stdout } = await place.run(argv);
    expect(exitCode).toBe(0);
    const printed = parseExactJson(stdout) as readonly unknown[];
    if (UNORDERED.has(key)) expect(byId(printed)).toEqual(byId(recorded));
    else expect(printed).toEqual(recorded);
    // Byte shape of lists (spec 3 §6.1): one item a line, no newline at the end.
    expect(stdout.startsWith("[\n ")).toBe(true);
    expect(stdout.endsWith("\n]")).toBe(true);
    expect(stdout.split("\n").length).toBe(printed.length + 2);
  });

  test("status is as recorded but for what belongs to the machine", async () => {
    const recorded = fixture.full("status") as Record<string, unknown> | undefined;
    const { stdout } = await place.ok("repository", "status", "--json");
    const printed = parseExactJson(stdout) as Record<string, unknown>;
    if (recorded !== undefined) {
      for (const key of ["uniqueIDHex", "objectFormat", "blobRetention"])
        expect(printed[key]).toEqual(recorded[key] ?? printed[key]);
      // Fields that the version of that time did not print yet are not compared.
      expect(printed["contentFormat"]).toMatchObject(withoutSecrets(recorded["contentFormat"]));
    }
    expect(Object.keys(printed)).toEqual([
      "configFile",
      "uniqueIDHex",
      "clientOptions",
      "storage",
      "volume",
      "contentFormat",
      "objectFormat",
      "blobRetention",
    ]);
    expect(stdout.endsWith("}\n")).toBe(true);
  });

  test("epochs are as recorded", async (context) => {
    const recorded = fixture.full("epochsText");
    if (typeof recorded !== "string") {
      context.skip("this version has no such command");
      return;
    }
    // Until 0.19 sizes were printed in powers of 1024.
    const env = { KOPIA_BYTES_STRING_BASE_2: String(recorded.includes("iB")) };
    const { stdout } = await place.run(["index", "epoch", "list"], { env });
    expect(stdout).toBe(recorded);
  });
});

/** As 0.23.1 prints it where the version of the time printed less. */
function recordedList(fixture: Fixture, key: string): readonly unknown[] {
  const latest = readByLatest()[fixture.name]?.[key];
  return (latest ?? fixture.full(key)) as readonly unknown[];
}

function byId(items: readonly unknown[]): readonly unknown[] {
  const idOf = (item: unknown): string => (item as { readonly id: string }).id;
  return items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/** Old versions printed more of the format than belongs on a screen. */
function withoutSecrets(format: unknown): Record<string, unknown> {
  const { secret, masterKey, ...rest } = format as Record<string, unknown>;
  void secret;
  void masterKey;
  return rest;
}
