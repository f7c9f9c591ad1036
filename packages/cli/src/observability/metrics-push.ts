import { CommandError } from "../command-error.ts";
import type { Metrics } from "./metrics.ts";
import { metricsContentType, metricsText, type MetricsFormat } from "./metrics-text.ts";

const PUSH_TIMEOUT_MS = 10_000;
const NS_PER_MS = 1e6;

/** Where and how metrics are pushed. */
export interface PushOptions {
  /** Base URL of a push gateway. */
  readonly address: string;
  readonly job: string;
  /** `name:value` pairs that the gateway groups by. */
  readonly grouping: readonly string[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly format: MetricsFormat;
  readonly intervalNs: number;
  /** A gateway that does not answer never fails a command. */
  readonly onWarning: (message: string) => void;
}

/** Metrics that are pushed now and then. */
export interface MetricsPusher {
  /** Pushes the last state. */
  stop(): Promise<void>;
}

/** Starts pushing. @throws CommandError for a grouping without a colon or an address that is no URL. */
export function pushMetrics(metrics: Metrics, options: PushOptions): MetricsPusher {
  const url = pushUrl(options);
  let running: Promise<void> = Promise.resolve();
  const push = (): void => {
    running = running.then(() => send(url, metrics, options));
  };
  const timer = setInterval(push, Math.max(1, options.intervalNs / NS_PER_MS));
  timer.unref();
  push();
  return {
    async stop() {
      clearInterval(timer);
      push();
      await running;
    },
  };
}

function pushUrl({ address, job, grouping }: PushOptions): URL {
  const path = ["metrics", "job", job];
  for (const pair of grouping) {
    const colon = pair.indexOf(":");
    if (colon <= 0)
      throw new CommandError(
        "unable to start observability facilities: grouping must be name:value",
      );
    path.push(pair.slice(0, colon), pair.slice(colon + 1));
  }
  try {
    return new URL(`${address.replace(/\/+$/, "")}/${path.map(encodeURIComponent).join("/")}`);
  } catch (error) {
    throw new CommandError(
      `unable to start observability facilities: --metrics-push-addr ${JSON.stringify(address)} is not a URL`,
      { cause: error },
    );
  }
}

async function send(url: URL, metrics: Metrics, options: PushOptions): Promise<void> {
  const { username, password, format } = options;
  const headers: Record<string, string> = { "content-type": metricsContentType(format) };
  if (username !== undefined) {
    const credentials = Buffer.from(`${username}:${password ?? ""}`).toString("base64");
    headers["authorization"] = `Basic ${credentials}`;
  }
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers,
      body: metricsText(metrics.families(), format),
      signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    if (!response.ok) options.onWarning(`error pushing metrics: HTTP status ${response.status}`);
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : message;
    options.onWarning(`error pushing metrics: ${reason}`);
  }
}
