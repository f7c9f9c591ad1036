import { caseOf } from "./stated-case.ts";
import type { Json, VectorCase } from "./vector.ts";

const DEFAULT_TEXT =
  '{"retention":{"keepLatest":10,"keepHourly":48,"keepDaily":7,"keepWeekly":4,"keepMonthly":24,"keepAnnual":3,"ignoreIdenticalSnapshots":false},"files":{"ignoreDotFiles":[".kopiaignore"]},"errorHandling":{"ignoreFileErrors":false,"ignoreDirectoryErrors":false,"ignoreUnknownTypes":true},"scheduling":{"runMissed":true},"compression":{"compressorName":"none"},"metadataCompression":{"compressorName":"zstd-fastest"},"splitter":{},"actions":{},"osSnapshots":{"volumeShadowCopy":{"enable":0}},"logging":{"directories":{"snapshotted":5,"ignored":5},"entries":{"snapshotted":0,"ignored":5,"cacheHit":0,"cacheMiss":0}},"upload":{"maxParallelSnapshots":1,"parallelUploadAboveSize":2147483648}}';
const EMPTY_TEXT =
  '{"retention":{},"files":{},"errorHandling":{},"scheduling":{},"compression":{},"metadataCompression":{},"splitter":{},"actions":{},"osSnapshots":{"volumeShadowCopy":{}},"logging":{"directories":{},"entries":{}},"upload":{}}';

/** Policies: text, labels, hierarchy, merging, choice of a compressor. */
export function policyCases(): VectorCase[] {
  const target = { userName: "u", host: "h", path: "/p" };
  const user = { userName: "u", host: "h", path: "" };
  const host = { userName: "", host: "h", path: "" };
  const global = { userName: "", host: "", path: "" };
  const merges: readonly [string, readonly (readonly [Json, Json])[]][] = [
    ["defaults", []],
    [
      "zero-and-false-win",
      [
        [target, { retention: { keepLatest: 0 }, files: { oneFileSystem: false } }],
        [user, { retention: { keepLatest: 5, keepDaily: 6 }, files: { oneFileSystem: true } }],
      ],
    ],
    [
      "ignore-replaces",
      [
        [target, { files: { ignore: ["b"] } }],
        [user, { files: { ignore: ["a"] } }],
      ],
    ],
    [
      "compression-lists-join",
      [
        [target, { compression: { neverCompress: [".z", ".a"] } }],
        [user, { compression: { neverCompress: [".m", ".a"] } }],
      ],
    ],
    [
      "compression-list-stopped",
      [
        [target, { compression: { onlyCompress: [".a"], noParentOnlyCompress: true } }],
        [user, { compression: { onlyCompress: [".b"] } }],
      ],
    ],
    [
      "times-join",
      [
        [target, { scheduling: { timeOfDay: [{ hour: 9, min: 0 }] } }],
        [
          host,
          {
            scheduling: {
              timeOfDay: [
                { hour: 8, min: 30 },
                { hour: 9, min: 0 },
              ],
            },
          },
        ],
      ],
    ],
    [
      "times-stopped",
      [
        [target, { scheduling: { timeOfDay: [{ hour: 9, min: 0 }], noParentTimeOfDay: true } }],
        [host, { scheduling: { timeOfDay: [{ hour: 8, min: 30 }] } }],
      ],
    ],
    [
      "flags-join",
      [
        [target, {}],
        [user, { files: { noParentIgnore: true }, scheduling: { manual: true } }],
      ],
    ],
    [
      "folder-action-of-parent-lost",
      [[user, { actions: { beforeFolder: { path: "/x" }, beforeSnapshotRoot: { path: "/y" } } }]],
    ],
    ["folder-action-of-target-kept", [[target, { actions: { afterFolder: { path: "/x" } } }]]],
    [
      "no-parent",
      [
        [target, { retention: { keepDaily: 1 }, noParent: true }],
        [user, { retention: { keepLatest: 5 } }],
      ],
    ],
    [
      "no-parent-above",
      [
        [target, { retention: { keepDaily: 1 } }],
        [user, { retention: { keepLatest: 5 }, noParent: true }],
        [global, { retention: { keepAnnual: 9 } }],
      ],
    ],
    [
      "four-levels",
      [
        [target, { splitter: { algorithm: "FIXED-1M" } }],
        [user, { compression: { compressorName: "zstd" } }],
        [host, { upload: { maxParallelFileReads: 3 } }],
        [global, { retention: { keepMonthly: 1 } }],
      ],
    ],
  ];
  const compress: readonly [string, Json, string, number, string | null][] = [
    ["none", { compressorName: "none" }, "a.txt", 10, null],
    ["unset", {}, "a.txt", 10, null],
    ["plain", { compressorName: "zstd" }, "a.txt", 10, "zstd"],
    ["too-small", { compressorName: "zstd", minSize: 100 }, "a", 99, null],
    ["just-large-enough", { compressorName: "zstd", minSize: 100 }, "a", 100, "zstd"],
    ["too-large", { compressorName: "zstd", maxSize: 100 }, "a", 101, null],
    ["just-small-enough", { compressorName: "zstd", maxSize: 100 }, "a", 100, "zstd"],
    ["never", { compressorName: "zstd", neverCompress: [".gz", ".zip"] }, "a.tar.gz", 10, null],
    [
      "never-is-case-sensitive",
      { compressorName: "zstd", neverCompress: [".gz"] },
      "a.GZ",
      10,
      "zstd",
    ],
    [
      "only-wins-over-never",
      { compressorName: "zstd", neverCompress: [".a"], onlyCompress: [".a"] },
      "x.a",
      10,
      "zstd",
    ],
    ["only-excludes-nothing", { compressorName: "zstd", onlyCompress: [".a"] }, "x.b", 10, "zstd"],
    ["dot-file", { compressorName: "zstd", neverCompress: [".bashrc"] }, ".bashrc", 10, null],
    ["no-extension", { compressorName: "zstd", neverCompress: [".x"] }, "Makefile", 10, "zstd"],
  ];
  const paths = ["/", "/a", "/a/b/c", "C:\\x\\y", "\\\\srv\\s", ""];
  return [
    caseOf({
      id: "policies/default",
      section: "16.1",
      operation: "policy.default",
      input: {},
      truth: { text: DEFAULT_TEXT },
    }),
    caseOf({
      id: "policies/empty",
      section: "16.1",
      operation: "policy.empty",
      input: {},
      truth: { text: EMPTY_TEXT },
    }),
    caseOf({
      id: "policies/default-rewritten",
      section: "16.1",
      operation: "policy.rewrite",
      input: { text: DEFAULT_TEXT },
      truth: { text: DEFAULT_TEXT },
    }),
    ...[
      "{}",
      '{"noParent":true}',
      '{"files":{"ignore":[]}}',
      '{"retention":{"keepLatest":0},"unknown":{"a":1}}',
      '{"upload":null}',
      "null",
      '{"retention":{"keepLatest":"x"}}',
      '{"osSnapshots":{"volumeShadowCopy":{"enable":2}}}',
    ].map((text, i) =>
      caseOf({
        id: `policies/rewrite-${i + 1}`,
        section: "16.1",
        operation: "policy.rewrite",
        input: { text },
      }),
    ),
    ...[global, host, user, target].map((t, i) =>
      caseOf({
        id: `policies/labels-${i + 1}`,
        section: "16.2",
        operation: "policy.labels",
        input: { target: t },
      }),
    ),
    ...paths.map((path, i) =>
      caseOf({
        id: `policies/hierarchy-${i + 1}`,
        section: "16.2",
        operation: "policy.hierarchy",
        input: { target: { ...user, path } },
      }),
    ),
    ...merges.map(([name, levels]) =>
      caseOf({
        id: `policies/merge-${name}`,
        section: "16.3",
        operation: "policy.merge",
        input: { target, levels: levels.map(([t, policy]) => ({ target: t, policy })) },
      }),
    ),
    ...compress.map(([name, policy, file, size, compressor]) =>
      caseOf({
        id: `policies/compressor-${name}`,
        section: "16.4",
        operation: "policy.compressor",
        input: { policy, name: file, size },
        truth: { compressor },
        provenance: "computed",
      }),
    ),
  ];
}

const PATTERNS = `
*.o||/a.o|f|1;*.o||/x/y/a.o|f|1;*.o||/a.o|d|1;build/||/build|d|1;build/||/build|f|0;build/||/x/build|d|1;/build||/x/build|d|0;a/b||/a/b|f|1;a/b||/x/a/b|f|0;a/b|/src|/src/a/b|f|1;a/b|/src|/src/x/a/b|f|0;**/b||/a/x/b|f|1;**/b||/b|f|1;a/**||/a/x/y|f|1;a/**||/a|d|0;a/**/b||/a/b|f|1;a/**/b||/a/x/y/b|f|1;a**b||/axb|f|1;a**b||/a/b|f|0;**||/x/y|f|1;**|/src|/src/x/y|f|1;*|/src|/src/x/y|f|1;/*||/x|f|1;/*||/x/y|f|0;a?c||/abc|f|1;a?c||/a/c|f|0;[!a]x||/bx|f|1;[^a]x||/bx|f|0;[a/]x||/ax|f|1;x[a/]y||/x/y|f|1;[]a]x||/ax|f|0;\\!x||/!x|f|1;a\\ ||/a |f|1;ab\\ ||/ab |f|1;ab ||/ab|f|1;a ||/a|f|0; ab||/ab|f|1;a*/||/abc|d|1;A||/a|f|0;foo/*/||/foo/bar|d|1;foo/*/||/foo/bar/baz|d|0;*foo/bar||/xfoo/bar|f|1;**/||/a|d|1;[[:digit:]]*||/7z|f|1;{a,b}||/a|f|0;*/*.c||/a/b.c|f|1;*/*.c||/x/a/b.c|f|0;!x||/x|f|1;!x||/y|f|0`;

/** Single ignore patterns against single paths. */
export function patternCases(): VectorCase[] {
  return PATTERNS.trim()
    .split(";")
    .map((row, i) => {
      const [pattern = "", base = "", path = "", kind, matches] = row.split("|");
      return caseOf({
        id: `ignore/pattern-${i + 1}`,
        section: "17.2",
        operation: "ignore.pattern",
        input: { pattern, base, path, directory: kind === "d" },
        truth: { matches: matches === "1" },
      });
    });
}

const CONFIG = `{
  "storage": {
    "type": "filesystem",
    "config": {
      "path": "/repo",
      "fileMode": 384,
      "dirMode": 448,
      "dirShards": null
    }
  },
  "caching": {
    "cacheDirectory": "../../.cache/kopia/0123456789abcdef",
    "maxCacheSize": 5242880000,
    "maxMetadataCacheSize": 5242880000,
    "maxListCacheDuration": 30
  },
  "hostname": "myhost",
  "username": "me",
  "description": "Repository in Filesystem: /repo",
  "enableActions": false,
  "formatBlobCacheDuration": 900000000000
}`;

/** Connection file and reconnect token. */
export function connectionCases(): VectorCase[] {
  const storage = { type: "filesystem", config: { path: "/repo", dirShards: null } };
  const tokenOf = (json: Json): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  const tokens = [
    tokenOf({ version: "1", storage, password: "pässword" }),
    tokenOf({ version: "1", storage }),
    `${tokenOf({ version: "1", storage })}=`,
    tokenOf({ version: "2", storage }),
    tokenOf({ version: "1" }),
    "",
    "!!!",
    Buffer.from("{").toString("base64url"),
    Buffer.from(JSON.stringify({ version: "1", storage })).toString("base64"),
  ];
  return [
    caseOf({
      id: "connections/file",
      section: "19.1",
      operation: "connection.rewrite",
      input: { text: CONFIG },
      truth: { text: CONFIG },
    }),
    ...[
      "{",
      "{}",
      '{"storage":{"type":"s3","config":{}}}',
      '{"storage":{"type":"filesystem","config":{"path":"/r"}},"hostname":"h","username":"u"}',
    ].map((text, i) =>
      caseOf({
        id: `connections/file-odd-${i + 1}`,
        section: "19.1",
        operation: "connection.rewrite",
        input: { text },
      }),
    ),
    ...tokens.map((token, i) =>
      caseOf({
        id: `connections/token-${i + 1}`,
        section: "19.2",
        operation: "connection.token",
        input: { token },
      }),
    ),
    caseOf({
      id: "connections/token-encode",
      section: "19.2",
      operation: "connection.token-encode",
      input: { storage, password: "pässword" },
      truth: { token: tokens[0]! },
      provenance: "computed",
    }),
    caseOf({
      id: "connections/token-encode-without-password",
      section: "19.2",
      operation: "connection.token-encode",
      input: { storage },
      truth: { token: tokens[1]! },
      provenance: "computed",
    }),
  ];
}
