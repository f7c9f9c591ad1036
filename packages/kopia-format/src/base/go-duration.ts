/** Nanoseconds of the units of Go's duration texts. */
const UNITS_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const MAX_INT64 = 2n ** 63n - 1n;
const PIECE = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** A duration as Go prints it: `0s`, `1.5s`, `1h0m0s`, `100ms`. */
export function formatGoDuration(durationNs: bigint): string {
  const sign = durationNs < 0n ? "-" : "";
  const ns = durationNs < 0n ? -durationNs : durationNs;
  return sign + formatPositive(ns);
}

/** Nanoseconds of a Go duration text such as `1h30m`, `-1.5s`, `100ms`, `0`; `undefined` when it is none or exceeds int64. */
export function parseGoDuration(text: string): bigint | undefined {
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  if (unsigned === "0") return 0n;
  if (unsigned === "") return undefined;
  let totalNs = 0n;
  let at = 0;
  while (at < unsigned.length) {
    PIECE.lastIndex = at;
    const [piece, whole = "", fraction = "", unit = ""] = PIECE.exec(unsigned) ?? [];
    if (piece === undefined || whole + fraction === "") return undefined;
    totalNs += pieceNs({ whole, fraction, unitNs: UNITS_NS[unit] ?? 0n });
    at += piece.length;
  }
  if (totalNs > MAX_INT64) return undefined;
  return text.startsWith("-") ? -totalNs : totalNs;
}

function formatPositive(ns: bigint): string {
  if (ns === 0n) return "0s";
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < 1_000_000n) return `${decimal(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${decimal(ns, 6)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${minutes}m${seconds}` : `${hours}h${minutes % 60n}m${seconds}`;
}

/** `value / 10^places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  const whole = digits.slice(0, -places);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function pieceNs(piece: { whole: string; fraction: string; unitNs: bigint }): bigint {
  const { whole, fraction, unitNs } = piece;
  // Digits beyond the 18th are below any unit's nanosecond.
  const digits = fraction.slice(0, 18);
  const fractionNs = digits === "" ? 0n : (BigInt(digits) * unitNs) / 10n ** BigInt(digits.length);
  return (whole === "" ? 0n : BigInt(whole.slice(0, 30))) * unitNs + fractionNs;
}
