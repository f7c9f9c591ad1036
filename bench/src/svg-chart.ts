/** A bar from 0 to its median, with a line from smallest to largest. */
export interface Bar {
  readonly label: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Points joined by a line. */
export interface Series {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 860;
const LABEL_WIDTH = 330;
const ROW_HEIGHT = 20;
const TOP = 46;
const RIGHT = 70;
/** Longer bars are cut, with their number beside them. */
const MAX_SHOWN = 8;
const COLORS = [
  "#2563eb",
  "#dc2626",
  "#16a34a",
  "#9333ea",
  "#ea580c",
  "#0891b2",
  "#4d7c0f",
  "#be185d",
  "#525252",
];

/** Horizontal bars with a line at 1, where both are equal. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const longest = Math.min(MAX_SHOWN, Math.max(1.2, ...bars.map(({ max }) => max)));
  const unit = (WIDTH - LABEL_WIDTH - RIGHT) / longest;
  const x = (value: number): number => LABEL_WIDTH + Math.min(value, longest) * unit;
  const height = TOP + bars.length * ROW_HEIGHT + 12;
  const rows = bars.map(({ label, min, median, max }, row) => {
    const y = TOP + row * ROW_HEIGHT;
    const middle = y + 8;
    return (
      `<text x="${LABEL_WIDTH - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>` +
      `<rect x="${LABEL_WIDTH}" y="${y + 2}" width="${round(x(median) - LABEL_WIDTH)}" height="12" fill="#2563eb"/>` +
      `<path d="M${round(x(min))} ${middle}H${round(x(max))}" stroke="#0f172a" stroke-width="2"/>` +
      `<text x="${round(x(max) + 6)}" y="${y + 12}">${median.toFixed(2)}</text>`
    );
  });
  const one = round(x(1));
  const equal =
    `<path d="M${one} ${TOP - 6}V${height - 8}" stroke="#dc2626" stroke-dasharray="4 3"/>` +
    `<text x="${one}" y="${TOP - 10}" text-anchor="middle" fill="#dc2626">1.0</text>`;
  return svg(height, title, [...rows, equal]);
}

/** Lines over both axes in powers of two, beside the diagonal of linear growth. */
export function lineChart(title: string, series: readonly Series[]): string {
  const height = 420;
  const bottom = height - 40;
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const maxX = Math.max(2, ...xs);
  const maxY = Math.max(maxX, ...series.flatMap(({ points }) => points.map(([, y]) => y)));
  const left = 50;
  const plotWidth = WIDTH - left - 250;
  const x = (value: number): number => left + (Math.log2(value) / Math.log2(maxX)) * plotWidth;
  const y = (value: number): number =>
    bottom - (Math.log2(Math.max(value, 0.5)) / Math.log2(maxY)) * (bottom - TOP);
  const grid = powersOfTwo(maxX).map(
    (value) =>
      `<path d="M${round(x(value))} ${TOP}V${bottom}" stroke="#e5e7eb"/>` +
      `<text x="${round(x(value))}" y="${bottom + 18}" text-anchor="middle">${value}×</text>` +
      `<text x="${left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${value}</text>`,
  );
  const linear = `<path d="M${round(x(1))} ${round(y(1))}L${round(x(maxX))} ${round(y(maxX))}" stroke="#9ca3af" stroke-dasharray="5 4"/>`;
  const lines = series.map(({ label, points }, number) => {
    const color = COLORS[number % COLORS.length] as string;
    const path = points.map(([px, py]) => `${round(x(px))} ${round(y(py))}`).join("L");
    return (
      `<path d="M${path}" fill="none" stroke="${color}" stroke-width="2"/>` +
      `<text x="${left + plotWidth + 20}" y="${TOP + 14 + number * ROW_HEIGHT}" fill="${color}">${escaped(label)}</text>`
    );
  });
  return svg(height, title, [...grid, linear, ...lines]);
}

function svg(height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function powersOfTwo(max: number): number[] {
  const powers: number[] = [];
  for (let value = 1; value <= max; value *= 2) powers.push(value);
  return powers;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
