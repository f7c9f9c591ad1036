import type { CliIo } from "./cli-io.ts";
import type { GlobalOptions } from "./global-flags.ts";
import type { Log } from "./output/log.ts";
import type { Observability } from "./observability/observe-command.ts";
import type { Style } from "./output/style.ts";
import type { FormatBytes } from "./output/sizes.ts";
import type { TextOutput } from "./output/text-output.ts";

/** What a command works with. */
export interface CommandContext {
  readonly io: CliIo;
  readonly globals: GlobalOptions;
  /** Results: stdout. */
  readonly out: TextOutput;
  /** Messages and progress: stderr. */
  readonly log: Log;
  /** Colours of results. */
  readonly style: Style;
  /** Log files, metrics: whoever opens a repository passes these on. */
  readonly observability: Observability;
  readonly formatBytes: FormatBytes;
  /** IANA zone of times in text output; `undefined`: the process's own. */
  readonly timeZone: string | undefined;
}
