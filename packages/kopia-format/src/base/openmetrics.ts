/** A label set; values may hold anything, they are escaped. */
export type MetricLabels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface MetricSample {
  readonly labels?: MetricLabels;
  readonly value: number;
  /** Of a histogram: which of its numbers this is. */
  readonly part?: "bucket" | "sum" | "count";
}

/** A metric with its samples. Counters are named without their `_total`. */
export interface MetricFamily {
  readonly name: string;
  readonly type: "gauge" | "counter" | "info" | "histogram";
  /** One line of help. */
  readonly help: string;
  /** The base unit that the name ends in: `seconds`, `bytes`; absent for counts and ratios. */
  readonly unit?: "seconds" | "bytes";
  readonly samples: readonly MetricSample[];
}

const SUFFIX = { gauge: "", counter: "_total", info: "_info", histogram: "" } as const;

/**
 * Text of metrics: the OpenMetrics format for scrapes, or with `format: "prometheus"` the older text
 * format, which the node exporter's textfile collector and push gateways read (no units, no end mark,
 * `info` as `gauge`). Families without samples are left out.
 */
export function encodeOpenMetrics(
  families: readonly MetricFamily[],
  format: "openmetrics" | "prometheus" = "openmetrics",
): string {
  const blocks = families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => encodeFamily(family, format));
  return blocks.join("") + (format === "openmetrics" ? "# EOF\n" : "");
}

function encodeFamily(family: MetricFamily, format: "openmetrics" | "prometheus"): string {
  const sampleName = family.name + SUFFIX[family.type];
  const isOld = format === "prometheus";
  const name = isOld ? sampleName : family.name;
  const type = isOld && family.type === "info" ? "gauge" : family.type;
  const lines = [`# HELP ${name} ${escapeHelp(family.help)}`, `# TYPE ${name} ${type}`];
  if (!isOld && family.unit !== undefined) lines.push(`# UNIT ${name} ${family.unit}`);
  for (const { labels = {}, value, part } of family.samples) {
    const partName = part === undefined ? sampleName : `${sampleName}_${part}`;
    lines.push(`${partName}${encodeLabels(labels)} ${encodeValue(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

function encodeLabels(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function encodeValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", String.raw`\\`).replaceAll("\n", String.raw`\n`);
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', String.raw`\"`);
}
