import type { JsonInput, TimeNs } from "@kopia-engine/kopia-format";
import { FINDING_CODES, type FindingCode, type Severity } from "./finding-codes.ts";

/** A snapshot that cannot be restored whole. */
export interface AffectedSnapshot {
  readonly manifestId: string;
  /** `user@host:/path`. */
  readonly source: string;
  readonly startTime: TimeNs;
  /** The snapshot itself is not listed any more. */
  readonly isInvisible: boolean;
  /** Files that are out of reach, those below unreadable directories included. */
  readonly fileCount: number;
  /** Some of them; a directory ends with a slash. */
  readonly examples: readonly string[];
}

/** Something that the doctor has found. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What it is, in general. */
  readonly title: string;
  /** What was found here, with numbers and names. */
  readonly summary: string;
  readonly details: Readonly<Record<string, JsonInput>>;
  /** `all`: every snapshot, which cannot be told apart in this state. */
  readonly affected: readonly AffectedSnapshot[] | "all";
  readonly nextSteps: readonly string[];
}

/** What a finding says beyond its kind. */
export interface FindingParts {
  readonly summary: string;
  readonly details?: Readonly<Record<string, JsonInput>>;
  readonly affected?: Finding["affected"];
}

/** A finding of a kind. */
export function finding(code: FindingCode, parts: FindingParts): Finding {
  const { severity, title, nextSteps } = FINDING_CODES[code];
  const { summary, details = {}, affected = [] } = parts;
  return { code, severity, title, summary, details, affected, nextSteps };
}

/** At most ten of a list, for messages and details. */
export function someOf<T>(items: Iterable<T>): T[] {
  const some: T[] = [];
  for (const item of items) {
    if (some.length === 10) break;
    some.push(item);
  }
  return some;
}

/** `1 pack`, `3 packs`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
