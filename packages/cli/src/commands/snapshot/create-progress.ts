import type { Clock, TimeNs } from "@kopia-engine/kopia-format";
import type { UploadObserver, UploadProgress } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CLI_LOG_NAME } from "../../output/log.ts";
import { paceOf } from "../../output/time-left.ts";
import type { SourceSize } from "./source-size.ts";

const SPINNER = ["|", "/", "-", "\\"];
const DONE = "*";

/** Tells about the upload of one source: errors as they happen, and the state of the work where progress is shown. */
export class UploadReporter {
  readonly observer: UploadObserver;
  readonly #context: CommandContext;
  readonly #clock: Clock;
  readonly #intervalNs: bigint;
  readonly #startTime: TimeNs;
  #size: SourceSize | undefined;
  #last: UploadProgress | undefined;
  #toldAt = 0n;
  #spin = 0;

  constructor(context: CommandContext, clock: Clock) {
    this.#context = context;
    this.#clock = clock;
    this.#intervalNs = BigInt(context.globals.progressUpdateInterval);
    this.#startTime = clock.now();
    this.observer = {
      ...(context.log.showsProgress && { progress: (progress) => this.#progress(progress) }),
      actionFailed({ error, essential }) {
        context.log[essential ? "error" : "warning"](error);
      },
      failed: ({ path, error, ignored }) => {
        const what = ignored ? "Ignored error when processing" : "Error when processing";
        this.#tellError(`${what} ${JSON.stringify(path)}: ${error}`, ignored);
      },
    };
  }

  /** The total that progress is measured against. */
  measure(size: SourceSize): void {
    this.#size = size;
  }

  /** The upload has ended, whichever way. */
  stop(): void {
    this.#size?.stop();
  }

  /** Shows the last state of an upload that succeeded. */
  finish(): void {
    if (this.#last !== undefined) this.#context.log.progress(this.#describe(this.#last, DONE));
  }

  #progress(progress: UploadProgress): void {
    this.#last = progress;
    const now = this.#clock.now();
    if (now - this.#toldAt < this.#intervalNs) return;
    this.#toldAt = now;
    this.#context.log.progress(this.#describe(progress, this.#turn()));
  }

  #turn(): string {
    return SPINNER[this.#spin++ % SPINNER.length] ?? "";
  }

  #describe(progress: UploadProgress, spinner: string): string {
    const { formatBytes } = this.#context;
    const { fatalErrorCount: fatal, ignoredErrorCount: ignored } = progress;
    return (
      ` ${spinner} ${progress.hashingFileCount} hashing, ` +
      `${progress.hashedFileCount} hashed (${formatBytes(progress.hashedBytes)}), ` +
      `${progress.cachedFileCount} cached (${formatBytes(progress.cachedBytes)}), ` +
      `uploaded ${formatBytes(progress.uploadedBytes)}` +
      (fatal > 0 ? ` (${fatal} fatal errors)` : "") +
      (ignored > 0 ? ` (${ignored} errors ignored)` : "") +
      `, ${this.#estimate(progress)}`
    );
  }

  #estimate({ hashedBytes, cachedBytes }: UploadProgress): string {
    const { totalBytes } = this.#size ?? {};
    if (totalBytes === undefined) return "estimating...";
    const elapsedNs = this.#clock.now() - this.#startTime;
    const pace = paceOf({ elapsedNs, doneBytes: hashedBytes + cachedBytes, totalBytes });
    if (pace === undefined) return "estimating...";
    const total = this.#context.formatBytes(totalBytes);
    return `estimated ${total} (${pace.percent.toFixed(1)}%) ${pace.timeLeft} left`;
  }

  #tellError(message: string, isIgnored: boolean): void {
    const { log, style } = this.#context;
    const shown = ` ! ${message}`;
    log.entry({
      level: isIgnored ? "warning" : "error",
      name: CLI_LOG_NAME,
      message,
      ...(log.showsProgress && {
        shown: isIgnored ? style.warning(shown) : style.error(shown),
      }),
    });
  }
}
