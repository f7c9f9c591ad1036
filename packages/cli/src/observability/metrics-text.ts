import type { MetricFamily, MetricSample } from "./metrics.ts";

/** Formats in which metrics are given out. */
export const METRICS_FORMATS = ["text", "open-metrics", "open-metrics-0.0.1"] as const;

/** A format of metrics. */
export type MetricsFormat = (typeof METRICS_FORMATS)[number];

/** Content type of a format. */
export function metricsContentType(format: MetricsFormat): string {
  if (format === "text") return "text/plain; version=0.0.4; charset=utf-8";
  const version = format === "open-metrics" ? "1.0.0" : "0.0.1";
  return `application/openmetrics-text; version=${version}; charset=utf-8`;
}

/**
 * Prometheus or OpenMetrics text. They differ in what a counter's family is called (`x_total` or `x`),
 * and OpenMetrics says where it ends.
 */
export function metricsText(families: readonly MetricFamily[], format: MetricsFormat): string {
  const isOpen = format !== "text";
  const lines: string[] = [];
  for (const { name, help, kind, samples } of families) {
    const isCounter = kind === "counter";
    const familyName = isCounter && !isOpen ? `${name}_total` : name;
    lines.push(`# HELP ${familyName} ${help}`, `# TYPE ${familyName} ${kind}`);
    const sampleName = isCounter ? `${name}_total` : name;
    for (const sample of samples) lines.push(sampleLine(sampleName, sample));
  }
  if (isOpen) lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function sampleLine(name: string, { suffix, labels, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
  const shown = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${suffix}${shown} ${value}`;
}
