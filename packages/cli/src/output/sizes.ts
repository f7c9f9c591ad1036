const UNITS_BASE_10 = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
const UNITS_BASE_2 = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Formats a count of bytes for people. */
export type FormatBytes = (lengthBytes: number | bigint) => string;

/**
 * The formatter of this environment: powers of 1000, or of 1024 where `KOPIA_BYTES_STRING_BASE_2` is
 * true (spec 2 §9.1).
 */
export function bytesFormatter(env: Readonly<Record<string, string | undefined>>): FormatBytes {
  const base2 = ["1", "t", "T", "true", "TRUE", "True"].includes(
    env["KOPIA_BYTES_STRING_BASE_2"] ?? "",
  );
  return base2
    ? (lengthBytes) => scaled(Number(lengthBytes), 1024, UNITS_BASE_2)
    : (lengthBytes) => scaled(Number(lengthBytes), 1000, UNITS_BASE_10);
}

/** One decimal, halves to even as Go prints them. */
export function fixedOneDecimal(value: number): string {
  const quarter = value * 4;
  // Of all ties only x.25 and x.75 are exact in binary; toFixed rounds both up, Go to even.
  const isTieBelowEven = Number.isInteger(quarter) && quarter % 4 === 1;
  return (isTieBelowEven ? value - 0.05 : value).toFixed(1);
}

function scaled(value: number, factor: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // Up to the last unit; a value just below the next one already counts as a fraction of it.
  while (rest >= factor * 0.9 && unit < units.length - 1) {
    rest /= factor;
    unit++;
  }
  return `${fixedOneDecimal(rest).replace(/\.0$/, "")} ${units[unit] as string}`;
}
