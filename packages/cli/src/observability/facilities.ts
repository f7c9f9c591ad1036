import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  errorMessage,
  formatGoDuration,
  type Clock,
  makeDirectories,
} from "@kopia-engine/kopia-format";
import { compactTime } from "./log-lines.ts";
import { listenForMetrics } from "./metrics-listener.ts";
import { pushMetrics } from "./metrics-push.ts";
import { metricsText, type MetricsFormat } from "./metrics-text.ts";
import { Metrics } from "./metrics.ts";
import type { ObservedCommand } from "./observe-command.ts";
import { startProfiles } from "./profiles.ts";

/** Metrics and profiles that run beside a command. */
export interface Facilities {
  readonly metrics: Metrics;
  finish(): Promise<void>;
}

/** Starts what flags ask for. @throws CommandError. */
export async function startFacilities(command: ObservedCommand, clock: Clock): Promise<Facilities> {
  const { globals, log } = command;
  const metrics = new Metrics();
  const ends: (() => Promise<void>)[] = [];
  const directory = join(
    globals.diagnosticsOutputDirectory ?? join(tmpdir(), "kopia-diagnostics"),
    `${compactTime(clock.now(), false)}-${command.path.join("-")}`,
  );
  if (globals.metricsListenAddr !== undefined) {
    const listener = await listenForMetrics(
      metrics,
      globals.metricsListenAddr,
      globals.enablePprof ? { clock } : undefined,
    );
    log.info(`starting prometheus metrics on ${listener.address}`);
    ends.push(() => listener.close());
  }
  if (globals.metricsPushAddr !== undefined) ends.push(startPush(command, metrics));
  if (globals.metricsStoreOnExit) ends.push(async () => storeMetrics(metrics, directory));
  if (globals.profileCpu || globals.profileStoreOnExit) {
    const profiles = await startProfiles({ cpu: globals.profileCpu });
    ends.push(() => profiles.store(join(directory, "profiles")));
  }
  return {
    metrics,
    async finish() {
      for (const end of ends) {
        try {
          await end();
        } catch (error) {
          log.warning(`unable to store diagnostics: ${errorMessage(error)}`);
        }
      }
    },
  };
}

function startPush({ globals, log }: ObservedCommand, metrics: Metrics): () => Promise<void> {
  const address = globals.metricsPushAddr ?? "";
  const pusher = pushMetrics(metrics, {
    address,
    job: globals.metricsPushJob,
    grouping: globals.metricsPushGrouping,
    username: globals.metricsPushUsername,
    password: globals.metricsPushPassword,
    format: globals.metricsPushFormat as MetricsFormat,
    intervalNs: globals.metricsPushInterval,
    onWarning: (message) => log.warning(message),
  });
  const interval = formatGoDuration(BigInt(globals.metricsPushInterval));
  log.info(`starting prometheus pusher on ${address} every ${interval}`);
  return () => pusher.stop();
}

function storeMetrics(metrics: Metrics, directory: string): void {
  makeDirectories(directory, 0o700);
  const text = metricsText(metrics.families(), "text");
  writeFileSync(join(directory, "kopia-metrics.prom"), text, { mode: 0o600 });
}
