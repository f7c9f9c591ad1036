import { expect, test } from "vitest";
import { type MetricFamily, encodeOpenMetrics } from "./openmetrics.ts";

const FAMILIES: readonly MetricFamily[] = [
  {
    name: "kopia_backup_read_bytes",
    type: "counter",
    help: "Bytes read.",
    unit: "bytes",
    samples: [{ labels: { source: 'a"b\\c\nd' }, value: 12 }],
  },
  {
    name: "kopia_build",
    type: "info",
    help: "Version.",
    samples: [{ labels: { v: "1" }, value: 1 }],
  },
  { name: "kopia_absent", type: "gauge", help: "Never seen.", samples: [] },
  { name: "kopia_ratio", type: "gauge", help: "Ratio.", samples: [{ value: Infinity }] },
];

test("OpenMetrics: units, suffixes, escapes and the end mark", () => {
  expect(encodeOpenMetrics(FAMILIES)).toBe(`# HELP kopia_backup_read_bytes Bytes read.
# TYPE kopia_backup_read_bytes counter
# UNIT kopia_backup_read_bytes bytes
kopia_backup_read_bytes_total{source="a\\"b\\\\c\\nd"} 12
# HELP kopia_build Version.
# TYPE kopia_build info
kopia_build_info{v="1"} 1
# HELP kopia_ratio Ratio.
# TYPE kopia_ratio gauge
kopia_ratio +Inf
# EOF
`);
});

test("the older text format knows no info and no end", () => {
  const text = encodeOpenMetrics(FAMILIES, "prometheus");
  expect(text).toContain("# TYPE kopia_build_info gauge\n");
  expect(text).toContain("# TYPE kopia_backup_read_bytes_total counter\n");
  expect(text).not.toContain("# EOF");
  expect(text).not.toContain("# UNIT");
});

test("values without a number have the names of the format", () => {
  const samples = [NaN, -Infinity, 0.5].map((value) => ({ value }));
  const text = encodeOpenMetrics([{ name: "kopia_odd", type: "gauge", help: "h", samples }]);
  expect(text).toContain("kopia_odd NaN\nkopia_odd -Inf\nkopia_odd 0.5\n");
});
