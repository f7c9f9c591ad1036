/** Files of a tree, by path: which content each has. */
export type TreeModel = ReadonlyMap<string, number>;

/** A snapshot that somebody tried to make. */
export interface Attempt {
  /** Stored as the snapshot's description. */
  readonly id: string;
  readonly writer: string;
  readonly tree: TreeModel;
  /** The writer was told that it is safe. */
  completed: boolean;
  /** Somebody tried to delete it. */
  deletionTried: boolean;
}

/** How many snapshots of a source the retention of the simulated policy keeps. */
export const KEEP_LATEST = 3;

/** What was promised to the writers: the truth that the repository is measured by. */
export class SnapshotLedger {
  readonly #attempts: Attempt[] = [];
  readonly #byId = new Map<string, Attempt>();

  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  /** Before anything of the snapshot is written. */
  begin(writer: string, tree: TreeModel): Attempt {
    const attempt = {
      id: `${writer}-${this.#attempts.length}`,
      writer,
      tree: new Map(tree),
      completed: false,
      deletionTried: false,
    };
    this.#attempts.push(attempt);
    this.#byId.set(attempt.id, attempt);
    return attempt;
  }

  find(id: string): Attempt | undefined {
    return this.#byId.get(id);
  }

  /**
   * Snapshots that must be there: whose writer was told so, that nobody tried to delete, and that
   * retention keeps even if every attempt in doubt counts.
   */
  promised(): Attempt[] {
    const promised: Attempt[] = [];
    const seen = new Map<string, number>();
    for (let i = this.#attempts.length - 1; i >= 0; i--) {
      const attempt = this.#attempts[i] as Attempt;
      const newer = seen.get(attempt.writer) ?? 0;
      seen.set(attempt.writer, newer + 1);
      if (newer < KEEP_LATEST && attempt.completed && !attempt.deletionTried)
        promised.push(attempt);
    }
    return promised;
  }
}
