import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "@kopia-engine/kopia-format";
import type { MoverLog } from "./log/mover-log.ts";

const CHECK_INTERVAL_MS = 10_000;

/**
 * `DEBUG_MOVER=1`: waits, so that somebody can look around in the container and start the mover by hand,
 * until the file it makes is removed (spec 4 §2.1 step 4).
 */
export async function debugSession(
  { log, clock, signal }: { log: MoverLog; clock: Clock; signal: AbortSignal },
  directory = tmpdir(),
): Promise<void> {
  const file = join(directory, "exit-debug-if-removed");
  writeFileSync(file, "");
  log.plain(`The mover waits, because DEBUG_MOVER is 1. Open a shell in this container and run:`);
  log.plain(`  DEBUG_MOVER=0 /mover-kopia/entry.sh backup     (or restore)`);
  log.plain(`To end this container: rm ${file}`);
  while (existsSync(file) && !signal.aborted)
    await clock.sleep(CHECK_INTERVAL_MS, signal).catch(() => {});
}
