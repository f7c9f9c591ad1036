/** One command line of the matrix. */
export interface MatrixRow {
  readonly argv: readonly string[];
  /** Default 0. */
  readonly exit?: number;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Why this program's output or exit code is another one. */
  readonly differs?: string;
  /** Files that are written before, by path below the place; they and their directories are of 2024. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines come in no promised order. */
  readonly unordered?: boolean;
  /** What else is not compared, by what stands for it. */
  readonly masks?: readonly (readonly [RegExp, string])[];
  /** What later rows take from this one's output: `{name}` stands for the first group. */
  readonly save?: Readonly<Record<string, RegExp>>;
  /** Paths below the place that are shown after the run: files, trees, archives. */
  readonly shows?: readonly string[];
  /** Paths below the place that are removed before. */
  readonly removes?: readonly string[];
}

/** Command lines that are run one after the other. */
export interface MatrixScenario {
  readonly name: string;
  /** A recorded repository, unpacked to `@/fixture`, with its password. */
  readonly fixture?: string;
  readonly rows: readonly MatrixRow[];
  /** What is not compared in any row. */
  readonly masks?: MatrixRow["masks"];
  /** Why the rows are run by this program alone. */
  readonly own?: string;
}

/** All scenarios of a command group. */
export interface MatrixGroup {
  /** Name of the golden file. */
  readonly name: string;
  readonly scenarios: readonly MatrixScenario[];
  /** `false`: only exit codes are kept, since the rows follow from the parser's tables. */
  readonly golden?: false;
}

/** Rows as they are, so that all are checked as rows. */
export const rowsOf = (...rows: readonly MatrixRow[]): readonly MatrixRow[] => rows;

/** A command line that succeeds. */
export const row = (...argv: readonly string[]): MatrixRow => ({ argv });

/** A command line that is refused. */
export const failing = (...argv: readonly string[]): MatrixRow => ({ argv, exit: 1 });

/** Whose snapshots the recorded repositories hold. */
export const FIXTURE_IDENTITY = ["--override-username=root", "--override-hostname=fixhost"];

/** Connects to the recorded repository. */
export const connectFixture = (...flags: readonly string[]): MatrixRow =>
  row("repository", "connect", "filesystem", "--path=@/fixture", ...flags);

/** Connects to a recorded repository of many snapshots as their owner, read-only. */
export const CONNECT_AS_OWNER = connectFixture(
  "--readonly",
  "--override-username=ns-a",
  "--override-hostname=pvc-1",
);

/** Creates a repository at `@/repo` as `u@h`. */
export const CREATE: MatrixRow = {
  argv: [
    "repository",
    "create",
    "filesystem",
    "--path=@/repo",
    "--override-username=u",
    "--override-hostname=h",
  ],
  differs: "Kopia also advertises `validate-provider` and the schedule of maintenance",
};
