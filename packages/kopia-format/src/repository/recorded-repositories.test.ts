import { createHash } from "node:crypto";
import { fixtureNames, loadFixture, treeRows, type Fixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { formatGoTime } from "../base/go-time.ts";
import { compactJson } from "../base/json-scan.ts";
import { formatObjectId } from "../object/object-id.ts";
import { openFilesystemRepository } from "./filesystem-repository.ts";
import type { Repository } from "./repository.ts";

/** Recorded output of `manifest list --json`. */
interface RecordedManifest {
  readonly id: string;
  readonly length: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly mtime: string;
}

/** Recorded structure of one file's object. */
interface RecordedObject {
  readonly snapshot: string;
  readonly path: string;
  readonly objectID: string;
  readonly size: number;
  readonly indirectText?: string;
  readonly chunks?: readonly (readonly [offset: number, length: number | null, object: string])[];
}

const names = fixtureNames(/^fs-/);

describe.each(names)("%s", (name) => {
  test("manifests and objects are those that its writer recorded", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: { readOnly: true },
    });
    await checkManifests(repository, fixture);
    await checkObjects(repository, fixture);
  });
});

async function checkManifests(repository: Repository, fixture: Fixture): Promise<void> {
  const recorded = fixture.full("manifests") as readonly RecordedManifest[];
  const found = (await repository.manifests.find({})).map((entry) => ({
    id: entry.id,
    length: entry.lengthBytes,
    labels: { ...entry.labels },
    mtime: formatGoTime(entry.modified),
  }));
  expect(found).toEqual(recorded.map((entry) => ({ ...entry, mtime: utcTime(entry.mtime) })));
  const shown = parseShownManifests(fixture.record["manifestShowText"] as string);
  expect([...shown.keys()].sort()).toEqual(recorded.map((entry) => entry.id).sort());
  for (const [id, payload] of shown)
    expect(await repository.manifests.getPayload(id)).toBe(payload);
}

/** Payloads by ID; the original indents them, byte for byte otherwise. */
function parseShownManifests(text: string): Map<string, string> {
  const shown = new Map<string, string>();
  for (const part of text.split(/^\/\/ id: |(?<=\})\/\/ id: /m).slice(1)) {
    const lines = part.split("\n");
    const body = lines.slice(1).filter((line) => !line.startsWith("// "));
    shown.set(lines[0] as string, utf8Decode(compactJson(utf8Encode(body.join("\n")))));
  }
  return shown;
}

/** Old releases recorded a local offset. */
function utcTime(text: string): string {
  return text.replace(/\+00:00$/, "Z");
}

async function checkObjects(repository: Repository, fixture: Fixture): Promise<void> {
  for (const recorded of (fixture.record["objects"] ?? []) as readonly RecordedObject[]) {
    const { objectID, size, chunks, indirectText } = recorded;
    const reader = await repository.objects.openObject(objectID);
    expect(reader.lengthBytes).toBe(size);
    const pieces = await repository.objects.objectPieces(objectID);
    if (chunks !== undefined) {
      const layout = pieces.map((piece) => [
        piece.offsetBytes,
        piece.lengthBytes,
        formatObjectId({ ...piece, indirection: 0 }),
      ]);
      expect(layout).toEqual(chunks.map(([offset, length, id]) => [offset, length ?? 0, id]));
    }
    if (indirectText !== undefined) {
      const index = await repository.objects.readObject(objectID.slice(1));
      expect(utf8Decode(index)).toBe(indirectText);
    }
    const digest = createHash("sha256");
    for await (const chunk of reader.chunks()) digest.update(chunk);
    expect(digest.digest("hex")).toBe(recordedDigest(fixture, recorded));
    const contentIds = await repository.objects.verifyObject(objectID);
    for (const piece of pieces) expect(contentIds).toContain(piece.contentId);
  }
}

function recordedDigest(fixture: Fixture, recorded: RecordedObject): unknown {
  const row = treeRows(fixture, recorded.snapshot).find(([path]) => path === recorded.path);
  return row?.[5];
}
