import { expect, test } from "vitest";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  decodeMaintenanceParameters,
  encodeMaintenanceParameters,
} from "./maintenance-parameters.ts";

// As kopia 0.23.1 writes it (fixture fs-v0231-default).
const STORED =
  '{"owner":"root@fixhost","quick":{"enabled":true,"interval":3600000000000},"full":{"enabled":true,"interval":86400000000000},"logRetention":{"maxTotalSize":1073741824,"maxCount":10000,"maxAge":2592000000000000},"extendObjectLocks":false,"listParallelism":0}';

test("the defaults are written byte for byte as the real program writes them", () => {
  expect(
    encodeMaintenanceParameters({ ...DEFAULT_MAINTENANCE_PARAMETERS, owner: "root@fixhost" }),
  ).toBe(STORED);
  expect(decodeMaintenanceParameters(STORED)).toEqual({
    ...DEFAULT_MAINTENANCE_PARAMETERS,
    owner: "root@fixhost",
  });
});

test("documents of older versions lack keys", () => {
  expect(
    decodeMaintenanceParameters('{"owner":"a@b","quick":{"enabled":true,"interval":1}}'),
  ).toMatchObject({
    full: { enabled: false, intervalNs: 0 },
    listParallelism: 0,
  });
});

test.each(["[]", '{"owner":1}', '{"quick":[]}', '{"full":{"interval":1.5}}', ""])(
  "refused: %s",
  (text) => {
    expect(() => decodeMaintenanceParameters(text)).toThrow();
  },
);
