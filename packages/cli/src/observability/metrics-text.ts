import { encodeOpenMetrics, type MetricFamily } from "@kopia-engine/kopia-format";

/** Formats in which metrics are given out. */
const METRICS_FORMATS = ["text", "open-metrics", "open-metrics-0.0.1"] as const;

/** A format of metrics. */
export type MetricsFormat = (typeof METRICS_FORMATS)[number];

/** Content type of a format. */
export function metricsContentType(format: MetricsFormat): string {
  if (format === "text") return "text/plain; version=0.0.4; charset=utf-8";
  const version = format === "open-metrics" ? "1.0.0" : "0.0.1";
  return `application/openmetrics-text; version=${version}; charset=utf-8`;
}

/** Metrics as text. */
export function metricsText(families: readonly MetricFamily[], format: MetricsFormat): string {
  return encodeOpenMetrics(families, format === "text" ? "prometheus" : "openmetrics");
}
