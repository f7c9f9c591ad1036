import type { TimeNs } from "@kopia-engine/kopia-format";

/** Units of simulated time, in nanoseconds. */
export const SECOND = 1_000_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

interface Event {
  readonly time: TimeNs;
  readonly sequence: number;
  readonly resume: () => void;
}

/** One party of the world that acts by itself. */
interface Process {
  waits: number;
  ended: boolean;
}

/**
 * Time that passes only while everybody waits. Each process runs until it waits; then the earliest
 * wait ends, and time jumps there. Nothing real is waited for, so a run depends on its seed alone.
 */
export class SimulatedTime {
  #now: TimeNs;
  #sequence = 0;
  readonly #events: Event[] = [];
  readonly #processes: Process[] = [];
  #failure: { readonly error: unknown } | undefined;
  #stopped = false;

  constructor(start: TimeNs) {
    this.#now = start;
  }

  get now(): TimeNs {
    return this.#now;
  }

  /** Starts a process; `wait` is how it, and its storage, let time pass. */
  spawn(body: (wait: (durationNs: number) => Promise<void>) => Promise<void>): void {
    const process: Process = { waits: 0, ended: false };
    this.#processes.push(process);
    const wait = (durationNs: number): Promise<void> =>
      new Promise((resolve) => {
        process.waits++;
        this.#schedule(durationNs, () => {
          process.waits--;
          resolve();
        });
      });
    const run = async (): Promise<void> => {
      await wait(0);
      await body(wait);
    };
    run()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        process.ended = true;
      });
  }

  /** Does something later, by nobody: a write that was under way when its client died. */
  later(durationNs: number, effect: () => void): void {
    this.#schedule(durationNs, effect);
  }

  /** Ends `run` at the next event. */
  stop(): void {
    this.#stopped = true;
  }

  /** Lets events happen until `end`; then nothing happens any more. @throws what a process threw. */
  async run(end: TimeNs): Promise<void> {
    await this.#settle();
    for (let event = this.#next(end); event !== undefined; event = this.#next(end)) {
      this.#now = event.time;
      event.resume();
      await this.#settle();
      if (this.#failure !== undefined) throw this.#failure.error;
    }
    if (this.#now < end) this.#now = end;
  }

  #next(end: TimeNs): Event | undefined {
    const next = this.#events.at(-1);
    if (this.#stopped || next === undefined || next.time > end) return undefined;
    return this.#events.pop();
  }

  /** Lets every process run until it waits. Some code takes real turns of the event loop in between. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      if (this.#processes.every(({ waits, ended }) => ended || waits > 0)) return;
    }
    throw new Error("a process of the simulation waits for something that is not simulated");
  }

  #schedule(durationNs: number, resume: () => void): void {
    const event = {
      time: this.#now + BigInt(Math.max(0, Math.round(durationNs))),
      sequence: this.#sequence++,
      resume,
    };
    // Latest first, so that the next one is at the end; few events wait at a time.
    let at = this.#events.length;
    while (at > 0 && isBefore(this.#events[at - 1] as Event, event)) at--;
    this.#events.splice(at, 0, event);
  }
}

const MAX_TURNS = 100_000;

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
