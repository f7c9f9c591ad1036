import { readFileSync } from "node:fs";

/**
 * Largest resident memory of this process in bytes. Not `getrusage`: its figure survives `exec`, so that it
 * may be that of whoever started the container.
 */
export function peakMemoryBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}
