import { caseOf, counting, hexOf } from "./stated-case.ts";
import type { Fields, Json, VectorCase } from "./vector.ts";

const A = counting(0, 16);
const F = "fedcba9876543210fedcba9876543210";
const D = "0123456789abcdef0123456789abcdef";

/** Object IDs, indirect streams, manifests. */
export function objectCases(): VectorCase[] {
  const parsed: readonly [string, Fields][] = [
    [A, { indirection: 0, compressed: false, contentId: A }],
    [`k${A}`, { indirection: 0, compressed: false, contentId: `k${A}` }],
    [`Ix${A}`, { indirection: 1, compressed: false, contentId: `x${A}` }],
    [`IIx${A}`, { indirection: 2, compressed: false, contentId: `x${A}` }],
    [`Ik${A}`, { indirection: 1, compressed: false, contentId: `k${A}` }],
    [`Z${A}`, { indirection: 0, compressed: true, contentId: A }],
    [`D${A}`, { indirection: 0, compressed: false, contentId: A, canonical: A }],
    [`ID${A}`, { indirection: 1, compressed: false, contentId: A, canonical: `I${A}` }],
    [`ZD${A}`, { indirection: 0, compressed: true, contentId: A, canonical: `Z${A}` }],
    [F.toUpperCase(), { indirection: 0, compressed: false, contentId: F, canonical: F }],
    [`k${F.toUpperCase()}`, { contentId: `k${F}` }],
    ["00", { contentId: "00" }],
    [counting(0), { contentId: counting(0) }],
  ];
  const bad = [
    "",
    "I",
    "Z",
    "D",
    `IZ${A}`,
    `ZI${A}`,
    `DZ${A}`,
    `DI${A}`,
    "abc",
    "K00",
    `${counting(0)}00`,
    "gg00",
    "k",
    `k${A}0`,
    " 00",
    "00 ",
    `i${A}0x`,
  ];
  const entries: readonly Json[] = [
    { start: 0, length: 4_194_304, object: D },
    { start: 4_194_304, length: 100, object: F },
    { start: 4_194_404, length: 0, object: "0".repeat(32) },
  ];
  const streams = [
    `{"stream":"kopia:indirect","entries":[{"l":10,"o":"${A}"},{"s":10,"l":5,"o":"${F}"}]}\n`,
    `{"stream":"kopia:indirect","entries":[{"l":10,"o":"Z${A}"},{"s":10,"o":"${F}"}]}\n`,
    `{ "entries": [ {"o":"${A}","l":7} ], "stream":"anything" } trailing`,
    `{"stream":"kopia:indirect","entries":[{"l":9007199254740991,"o":"${A}"}]}\n`,
    `{"stream":"kopia:indirect","entries":[]}\n`,
    `{"stream":"kopia:indirect","entries":null}\n`,
    `{"stream":"kopia:indirect","entries":[{"l":-1,"o":"${A}"}]}\n`,
    `{"stream":"kopia:indirect","entries":[{"l":10,"o":""}]}\n`,
    `{"stream":"kopia:indirect","entries":[{"l":10,"o":"${A}"},{"s":20,"l":5,"o":"${F}"}]}\n`,
    "[]",
    "",
    `{"STREAM":0,"Entries":[{"L":2,"O":"${A}","s":null},{"S":9,"s":2,"l":3,"o":"${F}"}]}`,
    `{"stream":"kopia:indirect","entries":[{"l":1e1,"o":"${A}"}]}\n`,
    `{"stream":"kopia:indirect","entries":[{"l":10.0,"o":"${A}"}]}\n`,
  ];
  const payloads = [
    '{ "a" : 1 }',
    '{"b":"<&>"}',
    '{"n":1.50,"big":12345678901234567890}',
    '{"A":1,"a":2}',
    '{"u":"\\u00e9\u2028"}',
    "null",
    "[1, 2 ,\n3]",
    '"x"',
    "{",
    "",
    '{"a":1} x',
    '{"__proto__":1}',
  ];
  return [
    ...parsed.map(([text, truth], i) =>
      caseOf({
        id: `objects/id-${i + 1}`,
        section: "12.1",
        operation: "object-id.parse",
        input: { text },
        truth,
      }),
    ),
    ...bad.map((text, i) =>
      caseOf({
        id: `objects/id-refused-${i + 1}`,
        section: "12.1",
        operation: "object-id.parse",
        input: { text },
        truth: { refused: true },
      }),
    ),
    caseOf({
      id: "objects/indirect-three",
      section: "12.2",
      operation: "indirect.encode",
      input: { entries },
      truth: {
        length: 207,
        sha256: "68f89a3bac8437df6222b047a5005c05f2bacaa1f3cc03ea0c9f2f4d2d326500",
      },
    }),
    ...streams.map((text, i) =>
      caseOf({
        id: `objects/indirect-read-${i + 1}`,
        section: "12.2",
        operation: "indirect.decode",
        input: { text },
      }),
    ),
    ...payloads.map((text, i) =>
      caseOf({
        id: `manifests/payload-${i + 1}`,
        section: "13.2",
        operation: "manifest.payload",
        input: { text },
      }),
    ),
  ];
}

/** JSON strings and times as the original writes them. */
export function jsonCases(): VectorCase[] {
  const strings: readonly [string, string, string?][] = [
    ["quote", hexOf('"'), '"\\""'],
    ["backslash", hexOf("\\"), '"\\\\"'],
    ["slash", hexOf("/"), '"/"'],
    ["backspace", "08", '"\\b"'],
    ["form-feed", "0c", '"\\f"'],
    ["newline", "0a", '"\\n"'],
    ["return", "0d", '"\\r"'],
    ["tab", "09", '"\\t"'],
    ["nul", "00", '"\\u0000"'],
    ["unit-separator", "1f", '"\\u001f"'],
    ["delete", "7f", '"\u007f"'],
    ["html", hexOf("<&>"), '"\\u003c\\u0026\\u003e"'],
    ["line-separators", hexOf("\u2028\u2029"), '"\\u2028\\u2029"'],
    ["accent", hexOf("é"), '"é"'],
    ["emoji", hexOf("😀"), '"😀"'],
    ["replacement", "efbfbd", '"\ufffd"'],
    ["invalid-byte", "ff", '"\\ufffd"'],
    ["truncated-three", "e282", '"\\ufffd\\ufffd"'],
    ["surrogate", "eda080", '"\\ufffd\\ufffd\\ufffd"'],
    ["overlong", "c0af", '"\\ufffd\\ufffd"'],
    ["truncated-four", "f09f98", '"\\ufffd\\ufffd\\ufffd"'],
    ["beyond-unicode", "f4908080", '"\\ufffd\\ufffd\\ufffd\\ufffd"'],
    ["continuation-alone", "80", '"\\ufffd"'],
    [
      "mixed-name",
      "626164ffe2826e616d65eda080",
      '"bad\\ufffd\\ufffd\\ufffdname\\ufffd\\ufffd\\ufffd"',
    ],
    ["empty", "", '""'],
    ["invalid-then-text", "c3280a", '"\\ufffd(\\n"'],
  ];
  const formats: readonly [string, string?][] = [
    ["0", "1970-01-01T00:00:00Z"],
    ["1", "1970-01-01T00:00:00.000000001Z"],
    ["-500000000", "1969-12-31T23:59:59.5Z"],
    ["1704164645120000000", "2024-01-02T03:04:05.12Z"],
    ["1704067199999999999", "2023-12-31T23:59:59.999999999Z"],
    ["1714979289000000010", "2024-05-06T07:08:09.00000001Z"],
    ["-62135596800000000000", "0001-01-01T00:00:00Z"],
    ["-6795364578871345152", "1754-08-30T22:43:41.128654848Z"],
    ["9223372036854775807"],
    ["-9223372036854775808"],
    ["951782400000000000", "2000-02-29T00:00:00Z"],
    ["4107542399000000000"],
    ["100000000", "1970-01-01T00:00:00.1Z"],
  ];
  const parses: readonly [string, string?][] = [
    ["1970-01-01T00:00:00Z", "0"],
    ["1970-01-01T00:00:00.000Z", "0"],
    ["1970-01-01T01:00:00+01:00", "0"],
    ["1969-12-31T16:30:00-07:30", "0"],
    ["2024-01-02T03:04:05.123456789Z", "1704164645123456789"],
    ["0001-01-01T00:00:00Z", "-62135596800000000000"],
    ["2024-02-29T12:00:00Z"],
    ["2024-01-02T03:04:05.1234567891Z"],
    ["2023-02-29T12:00:00Z"],
    ["2024-01-02 03:04:05Z"],
    ["2024-01-02T03:04Z"],
    ["2024-01-02T03:04:05"],
    ["2024-13-01T00:00:00Z"],
    ["2024-01-02T24:00:00Z"],
    ["2024-01-02T03:04:60Z"],
    [""],
    ["now"],
    ["2024-01-02T03:04:05+0100"],
    ["2024-01-02t03:04:05z"],
  ];
  return [
    ...strings.map(([name, hex, json]) =>
      caseOf({
        id: `json/string-${name}`,
        section: "0.3",
        operation: "json.string",
        input: { data: { hex } },
        truth: json === undefined ? undefined : { text: json },
        provenance: "computed",
      }),
    ),
    ...formats.map(([nanoseconds, expected], i) =>
      caseOf({
        id: `json/time-format-${i + 1}`,
        section: "0.4",
        operation: "time.format",
        input: { nanoseconds },
        truth: expected === undefined ? undefined : { text: expected },
        provenance: "computed",
      }),
    ),
    ...parses.map(([text, nanoseconds], i) =>
      caseOf({
        id: `json/time-parse-${i + 1}`,
        section: "0.4",
        operation: "time.parse",
        input: { text },
        truth: nanoseconds === undefined ? undefined : { nanoseconds },
        provenance: "computed",
      }),
    ),
  ];
}
