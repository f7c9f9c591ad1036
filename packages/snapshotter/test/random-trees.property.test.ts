import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { setTimesNs, type WriteSession } from "@kopia-engine/kopia-format";
import { fuzzRuns, seededBytes } from "@kopia-engine/kopia-format/testing";
import { readTree } from "@kopia-engine/test-fixtures";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createLocalOutput,
  createPolicyTree,
  DEFAULT_POLICY,
  restoreTree,
  uploadSnapshot,
  type DirectoryEntry,
  type SnapshotManifest,
} from "../src/index.ts";
import { memoryRepository } from "./memory-repository.ts";
import { tempDirectory } from "./temp-directory.ts";

type Node =
  | {
      readonly kind: "file";
      readonly size: number;
      readonly seed: number;
      readonly mode: number;
      readonly time: bigint;
    }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory"; readonly children: readonly Named[] };
interface Named {
  readonly name: Buffer;
  readonly node: Node;
}

// Raw names: plain, reserved-looking, beyond the BMP, and not UTF-8.
const name = fc.oneof(
  fc
    .constantFrom("a", "b", "B", "a.d", ".x", "é", "～", "😀", "<&>", "a b")
    .map((text) => Buffer.from(text)),
  fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .filter(
      (bytes) =>
        !bytes.includes(0) &&
        !bytes.includes(0x2f) &&
        Buffer.from(bytes).toString("latin1").replaceAll(".", "") !== "",
    )
    .map((bytes) => Buffer.from(bytes)),
);
const file = fc.record({
  kind: fc.constant("file" as const),
  size: fc.oneof(fc.nat(200), fc.nat(200_000)),
  seed: fc.nat(5),
  mode: fc.constantFrom(0o644, 0o600, 0o755, 0o4711, 0o000),
  time: fc.oneof(fc.constant(0n), fc.bigInt({ min: -(10n ** 18n), max: 4n * 10n ** 18n })),
});
const link = fc.record({
  kind: fc.constant("link" as const),
  target: fc.constantFrom("x", "../a/b", "/"),
});
const { tree } = fc.letrec<{ tree: Node & { kind: "directory" }; node: Node }>((tie) => ({
  node: fc.oneof({ depthSize: "small" }, file, file, link, tie("tree")),
  tree: fc
    .uniqueArray(fc.record({ name, node: tie("node") }), {
      maxLength: 8,
      // Two names that look the same when stored would be one file when restored.
      selector: (named) => named.name.toString("utf8").replaceAll(/\ufffd+/g, "\ufffd"),
    })
    .map((children) => ({ kind: "directory" as const, children })),
}));

function write(path: Buffer, node: Node): void {
  if (node.kind === "link") {
    symlinkSync(node.target, path);
    return;
  }
  if (node.kind === "directory") {
    mkdirSync(path, { recursive: true });
    for (const child of node.children) {
      write(Buffer.concat([path, Buffer.from("/"), child.name]), child.node);
    }
    return;
  }
  writeFileSync(path, seededBytes(node.seed, node.size));
  chmodSync(path, node.mode);
  setTimesNs(path, { atime: 0n, mtime: node.time });
}

/** Rows without what a restore changes: times of directories, and names that are not UTF-8. */
function rows(root: string): readonly string[] {
  return readTree(root)
    .map(([path, type, mode, size, time, target]) => {
      const raw =
        typeof path === "string" ? path : Buffer.from(path.b64, "base64").toString("utf8");
      const shown = raw.replaceAll(/\ufffd+/g, "\ufffd");
      const rest = type === "d" ? [] : [String(size), String(time), JSON.stringify(target)];
      return [shown, type, mode, ...rest].join(" ");
    })
    .sort();
}

const policyTree = createPolicyTree(DEFAULT_POLICY);

async function upload(
  session: WriteSession,
  path: string,
  previousSnapshots: readonly SnapshotManifest[] = [],
): Promise<SnapshotManifest> {
  const source = { userName: "user", host: "host", path };
  return await uploadSnapshot({ session, source, policyTree, previousSnapshots });
}

test("what is restored is what was stored, and reusing gives what reading everything gives", async () => {
  const { repository } = await memoryRepository();
  await using session = await repository.writeSession();
  await fc.assert(
    fc.asyncProperty(tree, tree, async (first, second) => {
      using directory = tempDirectory();
      const path = directory.join("source");
      write(Buffer.from(path), first);
      const before = await upload(session, path);
      const targetPath = directory.join("target");
      const entry = before.rootEntry as DirectoryEntry;
      await restoreTree({ repository: session, entry, output: createLocalOutput({ targetPath }) });
      expect(rows(targetPath)).toEqual(rows(path));

      // The second tree replaces parts of the first, and keeps others.
      for (const child of second.children) {
        const childPath = Buffer.concat([Buffer.from(`${path}/`), child.name]);
        rmSync(childPath, { recursive: true, force: true });
        write(childPath, child.node);
      }
      const reusing = await upload(session, path, [before]);
      const reading = await upload(session, path);
      expect(reusing.rootEntry).toEqual(reading.rootEntry);
      const again = await upload(session, path, [reusing, before]);
      expect(again.rootEntry).toEqual(reading.rootEntry);
    }),
    { numRuns: fuzzRuns(20) },
  );
});
