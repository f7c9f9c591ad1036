import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@kopia-engine/kopia-format";
import { CommandError } from "../command-error.ts";
import type { Metrics } from "./metrics.ts";
import { takeCpuProfile, takeHeapProfile } from "./profiles.ts";
import { metricsContentType, metricsText } from "./metrics-text.ts";

const DEFAULT_PROFILE_SECONDS = 5;
const MAX_PROFILE_SECONDS = 300;
const PROFILES = {
  "/debug/pprof/profile": takeCpuProfile,
  "/debug/pprof/heap": takeHeapProfile,
} as const;

/** A running listener. */
export interface MetricsListener {
  /** `host:port` it really listens on. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` while the command runs; it does not keep the program alive.
 * @param address `host:port`, where an empty host means every interface and port 0 any free one.
 * @param profiling also serves profiles, timed by its clock.
 * @throws CommandError when it cannot listen there.
 */
export async function listenForMetrics(
  metrics: Metrics,
  address: string,
  profiling?: { readonly clock: Clock },
): Promise<MetricsListener> {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (match === null) {
    throw new CommandError(
      `unable to start observability facilities: --metrics-listen-addr ${JSON.stringify(address)} is not host:port`,
    );
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    if (profiling !== undefined && url.pathname in PROFILES) {
      void serveProfile(url, response, profiling.clock);
      return;
    }
    if (url.pathname !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end("404 page not found\n");
      return;
    }
    const isOpen = request.headers.accept?.includes("application/openmetrics-text") === true;
    const format = isOpen ? "open-metrics" : "text";
    response.writeHead(200, { "content-type": metricsContentType(format) });
    response.end(metricsText(metrics.families(), format));
  });
  const host = match[1] ?? match[2] ?? "";
  const { port } = await listen(server, { host, port: Number(match[3]) });
  server.unref();
  return {
    address: `${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function serveProfile(url: URL, response: ServerResponse, clock: Clock): Promise<void> {
  const seconds = Number(url.searchParams.get("seconds") ?? DEFAULT_PROFILE_SECONDS);
  if (!(seconds > 0 && seconds <= MAX_PROFILE_SECONDS)) {
    response.writeHead(400, { "content-type": "text/plain; charset=utf-8" });
    response.end(`seconds must be above 0 and at most ${MAX_PROFILE_SECONDS}\n`);
    return;
  }
  try {
    const take = PROFILES[url.pathname as keyof typeof PROFILES];
    const profile = await take(seconds * 1000, clock);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(profile);
  } catch {
    // The command ended meanwhile, or another profile runs.
    response.writeHead(503, { "content-type": "text/plain; charset=utf-8" });
    response.end("no profile can be taken now\n");
  }
}

function listen(
  server: Server,
  where: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new CommandError(`unable to start observability facilities: ${error.message}`, {
          cause: error,
        }),
      ),
    );
    const { host, port } = where;
    server.listen({ port, ...(host === "" ? {} : { host }) }, () =>
      resolve(server.address() as AddressInfo),
    );
  });
}
