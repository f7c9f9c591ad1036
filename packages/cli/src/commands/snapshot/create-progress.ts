import type { Clock } from "@kopia-engine/kopia-format";
import type { UploadObserver, UploadProgress } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";

const SPINNER = ["|", "/", "-", "\\"];

/** Tells about an upload: errors as they happen, and on a terminal the state of the work. */
export function uploadObserver(context: CommandContext, clock: Clock): UploadObserver {
  const { log, globals, formatBytes } = context;
  const intervalNs = BigInt(globals.progressUpdateInterval);
  let toldAt = 0n;
  let spin = 0;
  const describe = (progress: UploadProgress): string => {
    const fatal = progress.fatalErrorCount > 0 ? ` (${progress.fatalErrorCount} fatal errors)` : "";
    const ignored =
      progress.ignoredErrorCount > 0 ? ` (${progress.ignoredErrorCount} errors ignored)` : "";
    return (
      ` ${SPINNER[spin++ % SPINNER.length]} ` +
      `${progress.hashedFileCount} hashed (${formatBytes(progress.hashedBytes)}), ` +
      `${progress.cachedFileCount} cached (${formatBytes(progress.cachedBytes)})${fatal}${ignored}`
    );
  };
  return {
    progress(progress) {
      if (!log.showsProgress) return;
      const now = clock.now();
      if (now - toldAt < intervalNs) return;
      toldAt = now;
      log.progress(describe(progress));
    },
    actionFailed({ error, essential }) {
      log[essential ? "error" : "warning"](error);
    },
    failed({ path, error, ignored }) {
      const what = ignored ? "Ignored error when processing" : "Error when processing";
      log[ignored ? "warning" : "error"](`${what} ${JSON.stringify(path)}: ${error}`);
    },
  };
}
