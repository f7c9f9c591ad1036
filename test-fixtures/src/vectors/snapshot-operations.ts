import { parseGoTime, utf8Decode, utf8Encode, type JsonObject } from "@kopia-engine/kopia-format";
import {
  DEFAULT_POLICY,
  EMPTY_POLICY,
  GLOBAL_TARGET,
  buildDirectory,
  chooseCompressor,
  compareUtf8,
  computeRetention,
  createPolicyTree,
  decodeDirectory,
  decodePolicy,
  decodeSnapshotManifest,
  encodeDirectory,
  encodePolicy,
  encodeSnapshotManifest,
  enterRoot,
  entryModeFromPosix,
  entryModeToPosix,
  formatSource,
  mergePolicies,
  parseSource,
  policyFromJson,
  policyHierarchy,
  policyLabels,
  policyToJson,
  type CompressionPolicy,
  type IgnoreContext,
  type IgnoreDirectory,
  type Policy,
  type RetentionPolicy,
  type Source,
} from "@kopia-engine/snapshotter";
import {
  fields,
  list,
  number,
  sha256,
  text,
  type Fields,
  type Json,
  type Operation,
} from "./vector.ts";

const TARGET: Source = { userName: "u", host: "h", path: "/src" };
const CACHE_TAGS: Readonly<Record<string, string>> = {
  tag: "Signature: 8a477f597d28d172789f06886806bc55\n# cache\n",
  badtag: "Signature: 00000000000000000000000000000000\n# cache\n",
};

/** A directory of a stated tree. */
class StatedDirectory implements IgnoreDirectory {
  readonly entries = new Map<string, StatedDirectory | Uint8Array>();

  add(path: string, content: Uint8Array | undefined): void {
    const slash = path.indexOf("/");
    if (slash < 0) {
      if (path !== "" && content !== undefined) this.entries.set(path, content);
      return;
    }
    const name = path.slice(0, slash);
    const known = this.entries.get(name);
    const child = known instanceof StatedDirectory ? known : new StatedDirectory();
    this.entries.set(name, child);
    child.add(path.slice(slash + 1), content);
  }

  readFile(name: string, options: { readonly maxLengthBytes: number }): Uint8Array | undefined {
    const entry = this.entries.get(name);
    return entry instanceof Uint8Array ? entry.subarray(0, options.maxLengthBytes) : undefined;
  }
}

function treeOf(input: Fields): StatedDirectory {
  const root = new StatedDirectory();
  for (const file of list(input["files"]).map(text)) {
    const [, path = file, mark = ""] = /^(.+):(\d+|tag|badtag)$/.exec(file) ?? [];
    const content = /^\d+$/.test(mark)
      ? new Uint8Array(Number(mark))
      : utf8Encode(CACHE_TAGS[mark] ?? "x\n");
    root.add(path, path.endsWith("/") ? undefined : content);
  }
  for (const [path, content] of Object.entries(fields(input["dotFiles"] ?? {})))
    root.add(path, utf8Encode(text(content)));
  return root;
}

function listIncluded(directory: StatedDirectory, context: IgnoreContext, prefix = ""): string[] {
  if (context.isCacheDirectory) return [];
  const included: string[] = [];
  for (const [name, entry] of directory.entries) {
    const isDirectory = entry instanceof StatedDirectory;
    const sizeBytes = isDirectory ? 0 : entry.length;
    if (context.ignores({ name, isDirectory, sizeBytes })) continue;
    included.push(`${prefix}${name}${isDirectory ? "/" : ""}`);
    if (isDirectory)
      included.push(...listIncluded(entry, context.enter(name, entry), `${prefix}${name}/`));
  }
  return included;
}

function ignoreTree(input: Fields): Fields {
  const below = new Map<string, Policy>();
  const levels = [{ target: GLOBAL_TARGET, policy: DEFAULT_POLICY }];
  for (const [path, json] of Object.entries(fields(input["policies"] ?? {}))) {
    const policy = policyFromJson(json as never, path);
    if (path === ".") levels.unshift({ target: TARGET, policy });
    else below.set(path, policy);
  }
  const root = treeOf(input);
  const tree = createPolicyTree(mergePolicies(TARGET, levels).policy, below);
  return { included: listIncluded(root, enterRoot(tree, root)).sort(compareUtf8) };
}

/** Whether one rule, given in the directory `base`, takes hold of one path. */
function ignorePattern(input: Fields): Fields {
  const pattern = text(input["pattern"]);
  const base = text(input["base"]);
  const isNegated = pattern.startsWith("!");
  // A rule with `!` only acts on what an earlier rule dropped.
  const ignore = isNegated ? ["**", pattern] : [pattern];
  const own: Policy = { ...EMPTY_POLICY, files: { ignore } };
  const below = base === "" ? new Map<string, Policy>() : new Map([[base.slice(1), own]]);
  const parts = text(input["path"]).split("/").slice(1);
  const name = parts.pop() ?? "";
  const tree = createPolicyTree(base === "" ? own : EMPTY_POLICY, below);
  let context = enterRoot(tree, new StatedDirectory());
  for (const part of parts) context = context.enter(part, new StatedDirectory());
  const isIgnored = context.ignores({
    name,
    isDirectory: input["directory"] === true,
    sizeBytes: 1,
  });
  return { matches: isIgnored !== isNegated };
}

function retention(input: Fields): Fields {
  const snapshots = list(input["snapshots"]).map((value) => {
    const { start, end, incomplete = "" } = fields(value);
    return {
      startTime: parseGoTime(text(start)),
      endTime: parseGoTime(text(end)),
      incompleteReason: text(incomplete),
    };
  });
  const own = input["policy"] as never as RetentionPolicy;
  const noParent = input["noParent"] === true ? { noParent: true } : {};
  const level = { target: GLOBAL_TARGET, policy: { ...EMPTY_POLICY, retention: own, ...noParent } };
  const { policy } = mergePolicies(TARGET, [level]);
  const reasons = computeRetention(snapshots, policy.retention, text(input["timeZone"]));
  const pinned = list(input["snapshots"]).map((value) => list(fields(value)["pins"]).length > 0);
  return {
    reasons: reasons.map((words) => words.join(" ")),
    wouldDelete: reasons.flatMap((words, i) => (words.length === 0 && !pinned[i] ? [i] : [])),
  };
}

function sourceOf(value: Json | undefined): Source {
  const { userName = "", host = "", path = "" } = fields(value ?? {});
  return { userName: text(userName), host: text(host), path: text(path) };
}

/** Operations of snapshots, directories and policies, by name. */
export const SNAPSHOT_OPERATIONS: Readonly<Record<string, Operation>> = {
  "directory.rewrite": (input) => {
    const bytes = utf8Encode(text(input["text"]));
    const listing = decodeDirectory(bytes);
    const again = encodeDirectory(listing);
    const kinds = ["d", "f", "s"].map(
      (kind) => listing.entries.filter(({ type }) => type === kind).length,
    );
    return {
      length: bytes.length,
      sha256: sha256(bytes),
      rewrittenSha256: sha256(again),
      directories: kinds[0]!,
      files: kinds[1]!,
      symlinks: kinds[2]!,
    };
  },
  "directory.order": (input) => {
    const entries = list(input["entries"]).map((value) => {
      const { name, type } = fields(value);
      return {
        name: text(name),
        type: text(type),
        mode: 0,
        sizeBytes: 0n,
        modTime: 0n,
        uid: 0,
        gid: 0,
        objectId: "00",
      };
    });
    return { names: buildDirectory({ entries, modTime: 0n }).entries.map(({ name }) => name) };
  },
  "directory.mode": (input) => {
    const mode = entryModeFromPosix(Number.parseInt(text(input["posix"]), 8));
    return {
      json: mode === 0 ? null : `0${mode.toString(8)}`,
      back: entryModeToPosix(mode).toString(8),
    };
  },
  "snapshot.rewrite": (input) => {
    const again = encodeSnapshotManifest(decodeSnapshotManifest(text(input["text"]), "00"));
    return { sha256: sha256(again), length: utf8Encode(again).length };
  },
  "source.parse": (input) => {
    const source = parseSource(text(input["text"]), {
      userName: "me",
      host: "here",
      workingDirectory: "/home/me",
    });
    return {
      userName: source.userName,
      host: source.host,
      path: source.path,
      text: formatSource(source),
    };
  },
  "policy.rewrite": (input) => ({ text: encodePolicy(decodePolicy(text(input["text"]))) }),
  "policy.labels": (input) => ({ labels: { ...policyLabels(sourceOf(input["target"])) } }),
  "policy.hierarchy": (input) => ({
    targets: policyHierarchy(sourceOf(input["target"])).map(formatSource),
  }),
  "policy.merge": (input) => {
    const levels = list(input["levels"]).map((value) => ({
      target: sourceOf(fields(value)["target"]),
      policy: policyFromJson(fields(value)["policy"] as never as JsonObject, "level"),
    }));
    const { policy } = mergePolicies(sourceOf(input["target"]), levels);
    return { policy: JSON.parse(encodePolicy(policy)) as Json };
  },
  "policy.compressor": (input) => {
    const json = { compression: input["policy"] } as never as JsonObject;
    const policy: CompressionPolicy = policyFromJson(json, "policy").compression;
    return {
      compressor: chooseCompressor(policy, text(input["name"]), number(input["size"])) ?? null,
    };
  },
  "policy.default": () => ({ text: encodePolicy(DEFAULT_POLICY) }),
  "policy.empty": () => ({
    text: encodePolicy(EMPTY_POLICY),
    members: Object.keys(policyToJson(EMPTY_POLICY)),
  }),
  "ignore.tree": ignoreTree,
  "ignore.pattern": ignorePattern,
  retention,
  "text.utf8-order": (input) => ({ sorted: list(input["names"]).map(text).sort(compareUtf8) }),
  "text.utf8": (input) => ({ text: utf8Decode(utf8Encode(text(input["text"]))) }),
};
