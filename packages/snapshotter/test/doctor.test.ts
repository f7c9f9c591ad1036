import { readFileSync, readdirSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { openFilesystemStorage, type BlobStorage } from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, type UnpackedFixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { runDoctor, type DoctorReport, type FindingCode } from "../src/index.ts";
import { clockOfRecording } from "./fixture-time.ts";

/** The defect of each damaged repository; other findings may follow from it. */
const DEFECTS: Readonly<Record<string, readonly FindingCode[]>> = {
  "5371-range": ["index-entries-lost"],
  "5371-single-epoch": ["index-entries-lost"],
  "blobcfg-flip": ["format-settings-damaged"],
  "blobcfg-missing": ["format-settings-missing"],
  "foreign-maintenance-owner": ["maintenance-owner-unseen"],
  "format-flip": ["format-blob-damaged"],
  "format-missing": ["format-blob-missing"],
  "format-missing-v1": ["format-blob-missing"],
  "format-truncated": ["format-blob-damaged"],
  "future-dated-blobs": ["future-timestamps"],
  "index-all-missing": ["index-missing"],
  "index-flip": ["index-blob-damaged"],
  "index-garbage": ["index-blob-damaged", "shards-mismatch"],
  "index-missing": ["index-entries-lost"],
  "index-truncated": ["index-blob-damaged"],
  "index-zero-length": ["index-blob-damaged"],
  "maintenance-schedule-corrupt": ["maintenance-schedule-damaged"],
  "manifest-content-flip": ["manifest-damaged"],
  none: [],
  "pack-flip-content": ["content-damaged"],
  // The byte lies in the random padding before the local index: nothing is damaged.
  "pack-flip-localindex": [],
  "pack-missing": ["pack-missing"],
  "pack-q-flip-content": ["content-damaged"],
  "pack-q-missing": ["pack-missing"],
  "pack-truncated": ["pack-truncated"],
  "pack-zero-length": ["pack-truncated"],
  "stale-upgrade-lock": ["upgrade-lock"],
  "stray-files": ["foreign-files", "session-marker-damaged", "temporary-files"],
};
/** What the real program's own maintenance had recorded before. */
const CONSEQUENCES = new Set<FindingCode>(["maintenance-failing"]);

interface RecordedRestore {
  readonly exit: number;
  readonly listed?: boolean;
}

interface RecordedSnapshot {
  readonly id: string;
}

describe.each(fixtureNames(/^damaged-/))("%s", (name) => {
  test("the defect is named, with the snapshots that the real program cannot restore", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    const report = await examine(unpacked, fixture.password);
    const defects = DEFECTS[name.replace("damaged-", "")] ?? [];
    const found = report.findings.filter(
      ({ code, severity }) => severity !== "note" && !CONSEQUENCES.has(code),
    );
    expect(found.map(({ code }) => code).sort()).toEqual([...defects].sort());
    expect(report.verdict).toBe(defects.length === 0 ? "healthy" : "problems");
    for (const { summary, nextSteps, title } of found) {
      expect(summary.length * title.length * nextSteps.length).toBeGreaterThan(0);
    }
    const restored = (fixture.record["restored"] ?? {}) as Record<string, RecordedRestore>;
    for (const [id, { exit, listed = true }] of Object.entries(restored)) {
      // In these, retention has removed some older snapshots for good.
      if (/5371/.test(name) && !listed) continue;
      expect(isAffected(report, id), id).toBe(exit !== 0);
    }
    if (Object.keys(restored).length === 0) {
      // Recorded repositories that nobody can open have no restores.
      const isOpen = defects.length === 0;
      const before = (fixture.record["snapshotsBefore"] ?? []) as readonly RecordedSnapshot[];
      for (const { id } of before)
        expect(isOpen || isAffected(report, id) || isReadable(name)).toBe(true);
    }
  });
});

/** One of each kind unless a larger set is given, since each needs a derived key. */
const healthy = process.env["KOPIA_FIXTURES"]
  ? fixtureNames(/^fs-/)
  : fixtureNames(
      /^fs-(?:mixed-versions|v0231-(?:default|epochs|epochs-deleted|gc|undelete|format1-compacted|flat|shards-override|ecc-20-corrected|incomplete-stdin-file|multi-source|policies|upgraded))$/,
    );

describe.each(healthy)("%s", (name) => {
  test("is healthy, without a false alarm", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    const report = await examine(unpacked, fixture.password);
    const notes = name.endsWith("-corrected") ? ["data-repaired"] : [];
    expect(report.findings.map(({ code }) => code)).toEqual(notes);
    expect(report.incomplete).toEqual([]);
    expect(report.verdict).toBe("healthy");
    expect(report.totals.isSample).toBe(false);
  });
});

test("nothing is written, not even by time of access", async () => {
  const fixture = loadFixture("damaged-index-missing");
  using unpacked = fixture.unpack();
  const before = filesOf(unpacked.path);
  const report = await examine(unpacked, fixture.password);
  expect(report.findings[0]?.code).toBe("index-entries-lost");
  expect(filesOf(unpacked.path)).toEqual(before);
});

test("a wrong password and no password still show what needs none", async () => {
  const fixture = loadFixture("damaged-none");
  using unpacked = fixture.unpack();
  const wrong = await examine(unpacked, "not the password");
  expect(wrong.findings.map(({ code }) => code)).toEqual(["password-wrong"]);
  expect(wrong.verdict).toBe("problems");
  const none = await examine(unpacked, undefined);
  expect(none.verdict).toBe("incomplete");
  expect(none.totals.packCount).toBeGreaterThan(0);
});

/** An index blob that no client can decrypt keeps everybody out, but hits no snapshot once it is gone. */
function isReadable(name: string): boolean {
  return /index-garbage$|index-(?:flip|truncated|zero-length)$/.test(name);
}

function isAffected(report: DoctorReport, id: string): boolean {
  return report.findings.some(
    ({ affected }) => affected === "all" || affected.some(({ manifestId }) => manifestId === id),
  );
}

async function examine(
  unpacked: UnpackedFixture,
  password: string | undefined,
): Promise<DoctorReport> {
  const { path } = unpacked;
  const storage: BlobStorage = await openFilesystemStorage({ path, readOnly: true });
  try {
    return await runDoctor({
      storage,
      directory: path,
      clock: clockOfRecording(path),
      ...(password !== undefined && { password }),
    });
  } finally {
    await storage.close();
  }
}

function filesOf(path: string): ReadonlyMap<string, readonly unknown[]> {
  const files = new Map<string, readonly unknown[]>();
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file, [lstatSync(file).mtimeMs, readFileSync(file).toString("base64")]);
  }
  return files;
}
