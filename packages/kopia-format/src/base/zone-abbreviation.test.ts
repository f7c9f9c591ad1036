import { expect, test } from "vitest";
import { utf8Encode } from "./bytes.ts";
import { parseZoneFile, zoneAbbreviation } from "./zone-abbreviation.ts";

interface Zone {
  readonly version: number;
  readonly transitions: readonly (readonly [atSeconds: number, type: number])[];
  readonly types: readonly (readonly [offsetSeconds: number, nameStart: number])[];
  readonly names: string;
  readonly rule?: string;
}

/** A TZif file (RFC 8536), from version 2 on with both blocks. */
function zoneFile(zone: Zone): Uint8Array {
  const blocks = zone.version < 2 ? [block(zone, 4)] : [block(zone, 4), block(zone, 8)];
  const rule = zone.version < 2 ? "" : `\n${zone.rule ?? ""}\n`;
  return new Uint8Array(Buffer.concat([...blocks, utf8Encode(rule)]));
}

function block({ version, transitions, types, names }: Zone, timeBytes: 4 | 8): Uint8Array {
  const header = Buffer.alloc(44);
  header.write("TZif");
  header[4] = version < 2 ? 0 : 0x30 + version;
  header.writeUInt32BE(transitions.length, 32);
  header.writeUInt32BE(types.length, 36);
  header.writeUInt32BE(names.length, 40);
  const times = transitions.map(([atSeconds]) => {
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(BigInt(atSeconds));
    return time.subarray(8 - timeBytes);
  });
  const records = types.map(([offsetSeconds, nameStart]) => {
    const record = Buffer.alloc(6);
    record.writeInt32BE(offsetSeconds);
    record[5] = nameStart;
    return record;
  });
  return Buffer.concat([
    header,
    ...times,
    Buffer.from(transitions.map(([, type]) => type)),
    ...records,
    Buffer.from(names, "latin1"),
  ]);
}

const BERLIN: Zone = {
  version: 2,
  transitions: [
    [-1_693_706_400, 1],
    [1_000_000_000, 0],
  ],
  types: [
    [3600, 0],
    [7200, 4],
  ],
  names: "CET\0CEST\0",
  rule: "CET-1CEST,M3.5.0,M10.5.0/3",
};

test("both versions of the file give transitions, types and, from 2 on, the names of the rule", () => {
  const second = parseZoneFile(zoneFile(BERLIN));
  expect(second.types).toEqual([
    { offsetSeconds: 3600, name: "CET" },
    { offsetSeconds: 7200, name: "CEST" },
  ]);
  expect(second.transitions[0]).toEqual({ atSeconds: -1_693_706_400, type: 1 });
  expect(second.laterNames).toEqual(second.types);
  const first = parseZoneFile(zoneFile({ ...BERLIN, version: 1 }));
  expect(first).toEqual({ ...second, laterNames: [] });
});

test.each([
  ["<-03>3", [[-10_800, "-03"]]],
  [
    "EST5EDT4:30:15,M3.2.0,M11.1.0",
    [
      [-18_000, "EST"],
      [-16_215, "EDT"],
    ],
  ],
  ["IST-5:30", [[19_800, "IST"]]],
  ["UTC+0", [[-0, "UTC"]]],
  ["", []],
])("the rule %s", (rule, expected) => {
  const { laterNames } = parseZoneFile(zoneFile({ ...BERLIN, rule }));
  expect(laterNames.map(({ offsetSeconds, name }) => [offsetSeconds, name])).toEqual(expected);
});

test("damaged files are refused", () => {
  const file = zoneFile(BERLIN);
  expect(() => parseZoneFile(file.subarray(0, 60))).toThrow(/time zone file/);
  expect(() => parseZoneFile(file.map((byte, i) => (i === 0 ? 0 : byte)))).toThrow(/TZif/);
  expect(() => parseZoneFile(zoneFile({ ...BERLIN, version: 1 }).subarray(0, 50))).toThrow(
    /cut off/,
  );
  expect(() => parseZoneFile(new Uint8Array(2 ** 20 + 1))).toThrow(/too many/);
});

test("zones that no database names have the name of ICU, or their offset", () => {
  const at = (zone: string, offsetSeconds: number): string =>
    zoneAbbreviation({ zone, seconds: 1_700_000_000, offsetSeconds });
  expect(at("UTC", 0)).toBe("UTC");
  // Not a name that may become a path.
  expect(at("+03:30", 12_600)).toBe("+0330");
  expect(at("-04:00", -14_400)).toBe("-04");
});
