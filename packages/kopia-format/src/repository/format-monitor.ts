import { NS_PER_SECOND, type Clock, type TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";

/** A client may trust what it read of the format for 15 minutes (spec 1 §2.12); one less, to be done in time. */
const MAX_AGE_NS: TimeNs = 14n * 60n * NS_PER_SECOND;

/** What a `FormatMonitor` works with. */
export interface FormatMonitorOptions {
  readonly format: RepositoryFormat;
  readonly clock: Clock;
  /** Reads and opens the format blob again, with all checks of opening. */
  readonly reload: () => Promise<RepositoryFormat>;
  /** Whether `format` has just been read from storage. */
  readonly isFresh: boolean;
}

/** Watches the format of an open repository: upgrade lock, required features, parameters (spec 1 §12.4 rule 12). */
export class FormatMonitor {
  readonly #reload: () => Promise<RepositoryFormat>;
  readonly #clock: Clock;
  readonly #format: RepositoryFormat;
  /** Absent until it was read from storage. */
  #readAt: TimeNs | undefined;

  constructor(options: FormatMonitorOptions) {
    this.#format = options.format;
    this.#clock = options.clock;
    this.#reload = options.reload;
    this.#readAt = options.isFresh ? options.clock.now() : undefined;
  }

  /**
   * Reads the format again when what is known of it is too old.
   * @throws KopiaError `REPOSITORY_UPGRADING` when it is locked or was changed so that what this client does no longer
   * fits, and those of `loadRepositoryFormat`.
   */
  async check(): Promise<void> {
    const now = this.#clock.now();
    // A clock that was set back must not keep an old format alive.
    const readAt = this.#readAt;
    if (readAt !== undefined && now >= readAt && now - readAt <= MAX_AGE_NS) return;
    assertSameRules(this.#format, await this.#reload());
    this.#readAt = now;
  }
}

function assertSameRules(known: RepositoryFormat, found: RepositoryFormat): void {
  const before = known.content;
  const after = found.content;
  const changed =
    before.version !== after.version
      ? "version"
      : before.indexVersion !== after.indexVersion
        ? "index version"
        : before.epochParameters.enabled !== after.epochParameters.enabled ||
            before.epochParameters.epochRefreshFrequencyNs >
              after.epochParameters.epochRefreshFrequencyNs
          ? "epoch parameters"
          : undefined;
  if (changed === undefined) return;
  throw new KopiaError(
    "REPOSITORY_UPGRADING",
    `the ${changed} of the repository changed while it was open`,
    { details: { changed } },
  );
}
