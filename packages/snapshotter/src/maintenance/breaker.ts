import { KopiaError } from "@kopia-engine/kopia-format";

/** How much may vanish unexplained before maintenance stops (docs/decisions/0020-maintenance-breaker.md). */
export interface Breaker {
  /** Snapshots that are gone without a trace of their removal. */
  readonly maxSnapshots: number;
  /** Share of the live bytes, in percent. */
  readonly maxPercent: number;
  /** Less than this never counts: tiny repositories change by large shares every day. */
  readonly minBytes: number;
}

/** A breaker, or none. */
export type BreakerSetting = Breaker | "off";

/** 10 snapshots, 20 % of the live bytes, at least 16 MiB. */
export const DEFAULT_BREAKER: Breaker = {
  maxSnapshots: 10,
  maxPercent: 20,
  minBytes: 2 ** 24,
};

const FIELDS = {
  snapshots: "maxSnapshots",
  percent: "maxPercent",
  "min-bytes": "minBytes",
} as const;

/**
 * Reads a setting such as `off` or `percent=30,snapshots=5,min-bytes=0`; what is not named keeps its default.
 * @throws KopiaError `ARGUMENT_INVALID`.
 */
export function parseBreaker(text: string): BreakerSetting {
  if (text === "off") return "off";
  const breaker: Record<string, number> = { ...DEFAULT_BREAKER };
  for (const part of text.split(",").filter((part) => part !== "")) {
    const [name = "", value = ""] = part.split("=");
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof typeof FIELDS] : undefined;
    if (field === undefined || !/^\d{1,15}$/.test(value)) {
      throw new KopiaError(
        "ARGUMENT_INVALID",
        `${JSON.stringify(part)} is no breaker setting: expected off, or snapshots=N, percent=N and min-bytes=N joined by commas`,
        { details: { setting: text } },
      );
    }
    breaker[field] = Number(value);
  }
  return breaker as unknown as Breaker;
}

/** Whether so many bytes of so many trip the breaker. */
export function isTooMuch(breaker: Breaker, bytes: number, ofBytes: number): boolean {
  return bytes > breaker.minBytes && bytes * 100 > ofBytes * breaker.maxPercent;
}

/** The error of a breaker that tripped. */
export function breakerError(what: string, details: Record<string, number>): KopiaError {
  return new KopiaError(
    "MAINTENANCE_REFUSED",
    `${what}; nothing of it was changed. If this is what you want, run maintenance once with --allow-large-deletion`,
    { details },
  );
}
