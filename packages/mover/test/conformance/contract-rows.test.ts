import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The rows of the contract's two tables. The names of the tests that show a row hold its ID in brackets. */
const ROWS = {
  "2.12/1": "backup, fresh repository, retention and compression set",
  "2.12/2": "backup, empty directory",
  "2.12/3": "backup, no retention",
  "2.12/4": "backup, status probe succeeds",
  "2.12/5": "backup, connect fails, create fails",
  "2.12/6": "backup, connect meets a damaged cache",
  "2.12/7": "backup, snapshot create fails",
  "2.12/8": "backup, structured JSON config",
  "2.12/9": "backup, invalid KOPIA_MANUAL_CONFIG",
  "2.12/10": "backup, KOPIA_SKIP_CACHE_CONFIG=true",
  "2.12/11": "backup, KOPIA_ADDITIONAL_ARGS=--tags=APP:Sonarr",
  "2.12/12": "no KOPIA_PASSWORD",
  "2.12/13": "restore, snapshots exist",
  "2.12/14": "restore, none",
  "2.12/15": "restore, KOPIA_PREVIOUS=1 of 2",
  "2.12/16": "restore, KOPIA_PREVIOUS=5 of 2",
  "2.12/17": "restore, as-of between two snapshots",
  "2.12/18": "restore, as-of before all",
  "2.12/19": "DIRECTION=maintenance, other owner",
  "2.12/20": "DIRECTION=maintenance, full run fails",
  "2.12/21": "arguments maintenance, foo, none",
  "2.12/22": "SIGTERM while snapshotting",
  "8.1/start": "every row of 2.12; uid 1000 without passwd entry, uid 0 without capabilities",
  "8.1/backup": "trees of every kind, read back with the real program",
  "8.1/interoperation": "real mover first, ours second, and the reverse, with the same cache",
  "8.1/restore": "our restore of their snapshot and the reverse; selection; file deletion",
  "8.1/failure": "wrong password, missing mount, foreign files, read-only, damaged cache",
  "8.1/concurrency": "four movers, one maintenance, one verifier",
  "8.1/signals": "SIGTERM",
  "8.1/arguments": "separator handling, tags, forbidden flags",
  "8.1/maintenance": "fresh owner, other owner, no /tmp, Secret imported whole",
  "8.1/logs": "filter, cut and parser of the operator",
  "8.1/seed-commands": "commands of people, init Job, verifier and manual restore",
  "8.1/resources": "large source and repository within 256 MiB",
};

const HERE = fileURLToPath(new URL(".", import.meta.url));
const TESTS = [
  ...readdirSync(HERE)
    .filter((name) => name.endsWith(".test.ts") && name !== basename(import.meta.filename))
    .map((name) => join(HERE, name)),
  // The sizes need the bench's generators.
  fileURLToPath(new URL("../../../../bench/src/mover.test.ts", import.meta.url)),
];

function idsInTestNames(): Set<string> {
  const names = TESTS.flatMap((path) => readFileSync(path, "utf8").split("\n"))
    .filter((line) => /["`]\[\d\.\d+\//.test(line) && !/^\s*(\/\/|\*)/.test(line))
    .join("\n");
  return new Set([...names.matchAll(/\[(\d\.\d+\/[\w-]+)\]/g)].map(([, id]) => id ?? ""));
}

test("every row of the contract has a test that bears its ID, and no test another ID", () => {
  expect([...idsInTestNames()].toSorted()).toEqual(Object.keys(ROWS).toSorted());
});
