import { caseOf } from "./stated-case.ts";
import type { Json, VectorCase } from "./vector.ts";

const MIXED =
  '{"stream":"kopia:directory","entries":[{"name":"B","type":"d","mode":"020000750","mtime":"1969-12-31T23:59:59.5Z","obj":"kbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","summ":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}},{"name":"tmp","type":"d","mode":"04000777","mtime":"2024-05-06T07:08:09.00000001Z","obj":"kaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","summ":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}},{"name":"a\\u003c\\u0026\\u003e\\"\\\\\\t\\n\\u0001/\\u2028é😀.bin","type":"f","mode":"040000755","size":9007199254740993,"mtime":"2023-12-31T23:59:59.999999999Z","uid":4294967295,"obj":"Ix0123456789abcdef0123456789abcdef"},{"name":"bad\\ufffd\\ufffd\\ufffdname\\ufffd\\ufffd\\ufffd","type":"s","mode":"0777","size":7,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"fedcba9876543210fedcba9876543210"},{"name":"empty","type":"f","obj":"00000000000000000000000000000000"},{"name":"z.txt","type":"f","mode":"0644","size":5,"mtime":"2024-01-02T03:04:05.12Z","uid":1000,"gid":100,"obj":"0123456789abcdef0123456789abcdef"},{"name":"～","type":"f","mode":"0644","size":1,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"22222222222222222222222222222222"},{"name":"😀","type":"f","mode":"0644","size":1,"mtime":"2024-01-02T03:04:05Z","uid":1000,"gid":100,"obj":"11111111111111111111111111111111"}],"summary":{"size":9007199254741000,"files":5,"symlinks":1,"dirs":3,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}}\n';
const EMPTY =
  '{"stream":"kopia:directory","entries":null,"summary":{"size":0,"files":0,"symlinks":0,"dirs":1,"maxTime":"2024-05-06T07:08:09.00000001Z","numFailed":0}}\n';
const SNAPSHOT =
  '{"id":"","source":{"host":"h","userName":"u","path":"/p"},"description":"","startTime":"2024-01-02T03:04:05.123456789Z","endTime":"2024-01-02T03:04:06.1Z","stats":{"totalSize":5,"excludedTotalSize":0,"fileCount":1,"cachedFiles":0,"nonCachedFiles":1,"dirCount":1,"excludedFileCount":0,"excludedDirCount":0,"ignoredErrorCount":0,"errorCount":0},"rootEntry":{"name":"p","type":"d","mode":"0755","mtime":"2024-01-02T03:04:05.12Z","uid":1000,"gid":100,"obj":"kcccccccccccccccccccccccccccccccc","summ":{"size":5,"files":1,"symlinks":0,"dirs":1,"maxTime":"2024-01-02T03:04:05.12Z","numFailed":0}},"tags":{"tag:k":"v"},"pins":["keep"]}';

/** Directory streams, modes, order, snapshot manifests, sources. */
export function directoryCases(): VectorCase[] {
  const modes: readonly [string, string | null][] = [
    ["644", "0644"],
    ["755", "0755"],
    ["777", "0777"],
    ["0", null],
    ["4755", "040000755"],
    ["2750", "020000750"],
    ["1777", "04000777"],
    ["7777", "064000777"],
    ["6711", "060000711"],
    ["1000", "04000000"],
    ["4000", "040000000"],
    ["400", "0400"],
    ["1", "01"],
  ];
  const orders: readonly (readonly Json[])[] = [
    [
      ["b", "f"],
      ["a", "d"],
      ["c", "d"],
      ["a2", "s"],
    ].map(([name, type]) => ({ name: name!, type: type! })),
    ["😀", "～", "z", "Z", "a", "é", "_"].map((name) => ({ name, type: "f" })),
    ["a.b", "a", "a-b", "a/", "ab"].map((name) => ({ name, type: "f" })),
  ];
  const bad = [
    '{"stream":"kopia:indirect","entries":[]}',
    "{}",
    "[]",
    "",
    '{"stream":"kopia:directory","entries":{}}',
    '{"stream":"kopia:directory","entries":[{"name":1}]}',
    '{"stream":"kopia:directory","entries":[{"name":"a","type":"f","mode":"0999","obj":"00"}]}',
    '{"stream":"kopia:directory","entries":[{"name":"a","type":"f","size":1.5,"obj":"00"}]}',
    '{"stream":"kopia:directory","entries":[{"name":"a","mtime":"yesterday","obj":"00"}]}',
  ];
  const tolerated = [
    '{"stream":"kopia:directory"}',
    '{"stream":"kopia:directory","entries":[]} trailing',
    '{"Stream":"kopia:directory","ENTRIES":[{"Name":"a","Type":"f","OBJ":"00"}]}',
    '{"stream":"kopia:directory","entries":[{"name":"a","type":"f","mode":"0x1ff","obj":"00","new":[1]}]}',
    '{"stream":"kopia:directory","entries":[{"name":"a","type":"f","mode":"420","mtime":"2024-01-01T01:00:00+01:00","obj":"00"}]}',
  ];
  const sources = [
    "(global)",
    "u@h:/p",
    "u@h",
    "@h",
    "u@h:",
    "u@h:/p:q@r",
    "/abs/./x/../y",
    "rel",
    "@h:/p",
    "u@",
    "a:b@c",
    "",
  ];
  return [
    caseOf({
      id: "directories/empty",
      section: "15.1",
      operation: "directory.rewrite",
      input: { text: EMPTY },
      truth: {
        length: 153,
        sha256: "48b33ef4654a6b896b7984fe8127368e168af6b279a865f59cbc69b59de2b484",
        rewrittenSha256: "48b33ef4654a6b896b7984fe8127368e168af6b279a865f59cbc69b59de2b484",
        directories: 0,
        files: 0,
        symlinks: 0,
      },
    }),
    caseOf({
      id: "directories/mixed",
      section: "15.2",
      operation: "directory.rewrite",
      input: { text: MIXED },
      truth: {
        length: 1521,
        sha256: "b9a4f8ba648c876d4a8d8cdeb2852e00e758e3b56a826a168ec2875138510d64",
        directories: 2,
        files: 5,
        symlinks: 1,
      },
    }),
    ...bad.map((text, i) =>
      caseOf({
        id: `directories/malformed-${i + 1}`,
        section: "15.1",
        operation: "directory.rewrite",
        input: { text },
      }),
    ),
    ...tolerated.map((text, i) =>
      caseOf({
        id: `directories/tolerated-${i + 1}`,
        section: "15.1",
        operation: "directory.rewrite",
        input: { text },
      }),
    ),
    ...modes.map(([posix, json]) =>
      caseOf({
        id: `directories/mode-${posix}`,
        section: "15.3",
        operation: "directory.mode",
        input: { posix },
        truth: { json, back: posix },
      }),
    ),
    ...orders.map((entries, i) =>
      caseOf({
        id: `directories/order-${i + 1}`,
        section: "15.5",
        operation: "directory.order",
        input: { entries },
      }),
    ),
    caseOf({
      id: "snapshots/manifest",
      section: "14.1",
      operation: "snapshot.rewrite",
      input: { text: SNAPSHOT },
    }),
    ...[
      '{"source":{"host":"h","userName":"u","path":"/p"},"startTime":"2024-01-02T03:04:05+02:00","endTime":"2024-01-02T03:04:06Z","rootEntry":null}',
      "{",
      "null",
      '{"startTime":"x"}',
    ].map((text, i) =>
      caseOf({
        id: `snapshots/odd-${i + 1}`,
        section: "14.1",
        operation: "snapshot.rewrite",
        input: { text },
      }),
    ),
    ...sources.map((text, i) =>
      caseOf({
        id: `snapshots/source-${i + 1}`,
        section: "14.2",
        operation: "source.parse",
        input: { text },
      }),
    ),
  ];
}
