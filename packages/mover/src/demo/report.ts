import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ContentTotals } from "./programs.ts";

/** One backup in the closing table. */
export interface BackupRow {
  readonly name: string;
  readonly fileCount: number;
  readonly totalBytes: number;
  /** Growth of the repository directory. */
  readonly storedBytes: number;
  /** Of all contents after this backup. */
  readonly contents: ContentTotals;
  readonly seconds: number;
  readonly peakMemoryBytes: number | undefined;
}

/** Bytes as people read them, powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Total size of the files below a directory; 0 when it is missing. */
export function directoryBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + directoryBytes(join(path, name)), 0);
}

/**
 * The closing table. Dedup: bytes of all files against bytes of different contents; compression:
 * bytes of contents against bytes stored for them.
 */
export function formatTable(rows: readonly BackupRow[]): string[] {
  const header = [
    "backup",
    "files",
    "bytes",
    "stored",
    "dedup",
    "compression",
    "seconds",
    "peak memory",
  ];
  const cells = rows.map((row) => [
    row.name,
    String(row.fileCount),
    formatBytes(row.totalBytes),
    formatBytes(row.storedBytes),
    ratio(row.totalBytes, row.contents.originalBytes),
    ratio(row.contents.originalBytes, row.contents.storedBytes),
    row.seconds.toFixed(1),
    row.peakMemoryBytes === undefined ? "-" : formatBytes(row.peakMemoryBytes),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells].map(
    (line) =>
      `   ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")}`,
  );
}

function ratio(before: number, after: number): string {
  return after === 0 ? "-" : `${(before / after).toFixed(2)}×`;
}
