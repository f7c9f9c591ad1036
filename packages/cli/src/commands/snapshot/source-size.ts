import { statfsSync } from "node:fs";
import type { Clock } from "@kopia-engine/kopia-format";
import { estimateSnapshot, type EstimateOptions } from "@kopia-engine/snapshotter";
import type { GlobalOptions } from "../../global-flags.ts";

/** Most uploads have ended by then, and need no total. */
const START_AFTER_MS = 300;
/** The walk takes a quarter of one thread's time at most: the upload needs it. */
const WORK_NS = 5_000_000n;
const REST_MS = 15;

/** The total that progress is measured against, once it is known. */
export interface SourceSize {
  /** Bytes of the files that the snapshot will hold. */
  readonly totalBytes: number | undefined;
  /** Ends the estimate. */
  stop(): void;
}

/** What is estimated, and how. */
export interface SourceSizeOptions extends Pick<EstimateOptions, "path" | "source"> {
  readonly loadPolicyTree: () => Promise<EstimateOptions["policyTree"]>;
  readonly clock: Clock;
  readonly globals: Pick<GlobalOptions, "progressEstimationType" | "adaptiveEstimationThreshold">;
}

/** Begins to estimate the size of a source beside its upload. A source that cannot be estimated has no total. */
export function estimateSourceSize(options: SourceSizeOptions): SourceSize {
  const stopping = new AbortController();
  const size: { totalBytes: number | undefined; stop(): void } = {
    totalBytes: undefined,
    stop: () => stopping.abort(new Error("the upload has ended")),
  };
  const estimate = async (): Promise<void> => {
    await options.clock.sleep(START_AFTER_MS, stopping.signal);
    size.totalBytes = volumeBytes(options) ?? (await walk(options, stopping.signal));
  };
  estimate().catch(() => {
    // The upload tells what is wrong with the source.
  });
  return size;
}

async function walk(options: SourceSizeOptions, signal: AbortSignal): Promise<number> {
  const { path, source, clock } = options;
  let workedSince = clock.now();
  const { included } = await estimateSnapshot({
    path,
    source,
    policyTree: await options.loadPolicyTree(),
    maxExamplesPerBucket: 0,
    signal,
    async breathe() {
      if (clock.now() - workedSince < WORK_NS) return;
      await clock.sleep(REST_MS, signal);
      workedSince = clock.now();
    },
  });
  return included.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
}

/** What the volume of a source holds, where that is to be taken for the total. */
function volumeBytes({ path, globals }: SourceSizeOptions): number | undefined {
  const { progressEstimationType: type, adaptiveEstimationThreshold: threshold } = globals;
  if (type === "classic") return undefined;
  const { bsize, blocks, bfree, files, ffree } = statfsSync(path);
  if (type === "adaptive" && files - ffree < threshold) return undefined;
  return bsize * (blocks - bfree);
}
