/** Opens a made-up repository and looks contents up; prints what that cost as JSON. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { SYNTHETIC_PASSWORD, type LookupFigures } from "./synthetic-repository.ts";

const LOOKUPS = 2_000_000;

const [path = "", ...ids] = process.argv.slice(2);
const start = performance.now();
await using repository = await openFilesystemRepository({
  path,
  password: SYNTHETIC_PASSWORD,
  client: { username: "bench", hostname: "bench", readOnly: true },
});
const openSeconds = (performance.now() - start) / 1000;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
collectGarbage();
const residentBytes = process.memoryUsage().rss;

const chosen: string[] = [];
let number = 0;
for (const { contentId } of repository.contents.contents()) {
  if (number++ % 101 === 0) chosen.push(contentId);
}
for (const id of ids) {
  if (repository.contents.getContentInfo(id) === undefined) throw new Error(`${id} is not there`);
}
// In another order than the index has.
chosen.sort((a, b) => (a.slice(-8) < b.slice(-8) ? -1 : 1));
const from = performance.now();
for (let i = 0; i < LOOKUPS; i++) {
  if (repository.contents.hasContent?.(chosen[i % chosen.length] as string) !== true) {
    throw new Error("a content is not in its index");
  }
}
const figures: LookupFigures = {
  openSeconds,
  residentBytes,
  contentCount: repository.contents.contentCount,
  lookupsPerSecond: (LOOKUPS * 1000) / (performance.now() - from),
};
console.log(JSON.stringify(figures));
