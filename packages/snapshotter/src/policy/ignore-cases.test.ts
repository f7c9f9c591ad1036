import { readFileSync } from "node:fs";
import {
  type KopiaError,
  compareBytes,
  utf8Encode,
  type JsonObject,
} from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { enterRoot, type IgnoreContext, type IgnoreDirectory } from "./ignore-context.ts";
import { mergePolicies } from "./merge-policies.ts";
import { policyFromJson } from "./policy-codec.ts";
import { createPolicyTree, type PolicyTree } from "./policy-tree.ts";
import { DEFAULT_POLICY, type Policy } from "./policy.ts";
import { GLOBAL_TARGET } from "../model/source.ts";

const CACHE_TAGS: Readonly<Record<string, string>> = {
  tag: "Signature: 8a477f597d28d172789f06886806bc55\n# cache\n",
  badtag: "Signature: 00000000000000000000000000000000\n# cache\n",
};

interface RecordedCase {
  readonly name: string;
  readonly files: readonly string[];
  readonly dot?: Readonly<Record<string, string>>;
  readonly policies?: Readonly<Record<string, JsonObject>>;
  readonly included?: readonly string[];
  readonly snapshot?: null;
  readonly stderr?: readonly string[];
}

const { cases } = JSON.parse(
  readFileSync(
    new URL("../../../../test-fixtures/cases/ignore-cases.json", import.meta.url),
    "utf8",
  ),
) as { readonly cases: readonly RecordedCase[] };

/** A directory of the virtual source tree. */
class VirtualDirectory implements IgnoreDirectory {
  readonly entries = new Map<string, VirtualDirectory | Uint8Array>();

  add(path: string, content: Uint8Array | undefined): void {
    const [name = "", ...rest] = path.split("/");
    if (rest.length === 0 && content !== undefined) {
      this.entries.set(name, content);
      return;
    }
    let child = this.entries.get(name);
    if (!(child instanceof VirtualDirectory)) {
      child = new VirtualDirectory();
      this.entries.set(name, child);
    }
    if (rest.join("/") !== "") child.add(rest.join("/"), content);
  }

  readFile(name: string, options: { readonly maxLengthBytes: number }): Uint8Array | undefined {
    const entry = this.entries.get(name);
    return entry instanceof Uint8Array ? entry.subarray(0, options.maxLengthBytes) : undefined;
  }
}

function treeOf({ files, dot = {} }: RecordedCase): VirtualDirectory {
  const root = new VirtualDirectory();
  for (const file of files) {
    const [, path = file, mark = ""] = /^(.+):(\d+|tag|badtag)$/.exec(file) ?? [];
    if (path.endsWith("/")) root.add(path, undefined);
    else root.add(path, contentOf(mark));
  }
  for (const [path, text] of Object.entries(dot)) root.add(path, utf8Encode(text));
  return root;
}

function contentOf(mark: string): Uint8Array {
  if (/^\d+$/.test(mark)) return new Uint8Array(Number(mark));
  return utf8Encode(CACHE_TAGS[mark] ?? "x\n");
}

function policyTreeOf({ policies = {} }: RecordedCase): PolicyTree {
  const target = { userName: "u", host: "h", path: "/src" };
  const below = new Map<string, Policy>();
  const levels = [{ target: GLOBAL_TARGET, policy: DEFAULT_POLICY }];
  for (const [path, json] of Object.entries(policies)) {
    const policy = policyFromJson(json, path);
    if (path === ".") levels.unshift({ target, policy });
    else below.set(path, policy);
  }
  return createPolicyTree(mergePolicies(target, levels).policy, below);
}

/** What a snapshot would hold, as `ls -r` prints it. */
function listIncluded(directory: VirtualDirectory, context: IgnoreContext, prefix = ""): string[] {
  if (context.isCacheDirectory) return [];
  const included: string[] = [];
  for (const [name, entry] of directory.entries) {
    const isDirectory = entry instanceof VirtualDirectory;
    const sizeBytes = isDirectory ? 0 : entry.length;
    if (context.ignores({ name, isDirectory, sizeBytes })) continue;
    included.push(`${prefix}${name}${isDirectory ? "/" : ""}`);
    if (isDirectory) {
      included.push(...listIncluded(entry, context.enter(name, entry), `${prefix}${name}/`));
    }
  }
  return included;
}

function evaluate(recorded: RecordedCase): readonly string[] {
  const root = treeOf(recorded);
  const included = listIncluded(root, enterRoot(policyTreeOf(recorded), root));
  return included.sort((a, b) => compareBytes(utf8Encode(a), utf8Encode(b)));
}

test("there are 99 recorded cases", () => {
  expect(cases).toHaveLength(99);
});

test.each(cases.filter(({ snapshot }) => snapshot !== null))(
  "$name keeps the recorded entries",
  (recorded) => {
    expect(evaluate(recorded)).toEqual(recorded.included);
  },
);

test.each(cases.filter(({ snapshot }) => snapshot === null))(
  "$name fails with the recorded message",
  (recorded) => {
    // The recorded text is what the command prints for the root: the message of the cause.
    const message = (recorded.stderr?.[0] ?? "").replace("upload error: ", "");
    expect(() => evaluate(recorded)).toThrow(
      expect.objectContaining({
        code: "IGNORE_PATTERN_INVALID",
        cause: expect.objectContaining({ message }) as KopiaError,
      }),
    );
  },
);
