import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CommandError } from "../command-error.ts";
import type { Metrics } from "./metrics.ts";
import { metricsContentType, metricsText } from "./metrics-text.ts";

/** A running listener. */
export interface MetricsListener {
  /** `host:port` it really listens on. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` while the command runs; it does not keep the program alive.
 * @param address `host:port`, where an empty host means every interface and port 0 any free one.
 * @throws CommandError when it cannot listen there.
 */
export async function listenForMetrics(
  metrics: Metrics,
  address: string,
): Promise<MetricsListener> {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (match === null) {
    throw new CommandError(
      `unable to start observability facilities: --metrics-listen-addr ${JSON.stringify(address)} is not host:port`,
    );
  }
  const server = createServer((request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") {
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
