import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { makeDirectories, type Clock } from "@kopia-engine/kopia-format";

/** Profiles that are being taken. */
export interface RunningProfiles {
  /** Ends them and writes `cpu.cpuprofile` and `heap.heapprofile`, as Chrome's tools and editors read them. */
  store(directory: string): Promise<void>;
}

/** Starts profiling this thread. */
export async function startProfiles(options: { readonly cpu: boolean }): Promise<RunningProfiles> {
  const session = new Session();
  session.connect();
  if (options.cpu) {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
  }
  await session.post("HeapProfiler.enable");
  await session.post("HeapProfiler.startSampling");
  return {
    async store(directory) {
      makeDirectories(directory, 0o700);
      const save = (name: string, profile: unknown): void =>
        writeFileSync(join(directory, name), JSON.stringify(profile), { mode: 0o600 });
      const heap = await session.post("HeapProfiler.stopSampling");
      save("heap.heapprofile", heap.profile);
      if (options.cpu) save("cpu.cpuprofile", (await session.post("Profiler.stop")).profile);
      session.disconnect();
    },
  };
}

/** A CPU profile of this thread over a time, as JSON. Other profiles of this process are not disturbed. */
export function takeCpuProfile(durationMs: number, clock: Clock): Promise<string> {
  return inSession(async (session) => {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await clock.sleep(durationMs);
    return JSON.stringify((await session.post("Profiler.stop")).profile);
  });
}

/** What was allocated during a time and lives on, as JSON. */
export function takeHeapProfile(durationMs: number, clock: Clock): Promise<string> {
  return inSession(async (session) => {
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling");
    await clock.sleep(durationMs);
    return JSON.stringify((await session.post("HeapProfiler.stopSampling")).profile);
  });
}

async function inSession<Result>(take: (session: Session) => Promise<Result>): Promise<Result> {
  const session = new Session();
  session.connect();
  try {
    return await take(session);
  } finally {
    session.disconnect();
  }
}
