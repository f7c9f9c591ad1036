import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a round of changes did. */
export interface ChangeCounts {
  readonly changed: number;
  readonly added: number;
  readonly removed: number;
  readonly renamed: number;
}

/**
 * One day of work on a tree: some files grow, a few come, go and move. Which ones depends only on the
 * tree and the round, so a demo can be repeated.
 */
export function changeFiles(root: string, round: number): ChangeCounts {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const every = (step: number, offset: number): string[] =>
    files.filter((_, index) => index % step === (offset + round) % step);
  const step = Math.max(2, Math.floor(files.length / 40));
  const changed = every(step, 0);
  for (const file of changed) appendFileSync(file, `\nchanged in round ${round}\n`);
  const removed = every(step * 4, 1);
  for (const file of removed) rmSync(file);
  const renamed = every(step * 4, 2);
  for (const file of renamed) renameSync(file, `${file}.renamed-${round}`);
  const folder = join(root, `added in round ${round}`);
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < 5; index++)
    writeFileSync(
      join(folder, `note ${index} – ü.txt`),
      `round ${round}, note ${index}\n`.repeat(50 * (index + 1)),
    );
  return { changed: changed.length, added: 5, removed: removed.length, renamed: renamed.length };
}
