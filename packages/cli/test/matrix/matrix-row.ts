/** One command line of the matrix. */
export interface MatrixRow {
  readonly argv: readonly string[];
  /** Default 0. */
  readonly exit?: 0 | 1;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Why this program's output or exit code is another one. */
  readonly differs?: string;
  /** Files that are written before, by path below the place. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines of stdout come in no promised order. */
  readonly unordered?: boolean;
  /** What else is not compared, by what stands for it. */
  readonly masks?: readonly (readonly [RegExp, string])[];
}

/** Command lines that are run one after the other. */
export interface MatrixScenario {
  readonly name: string;
  /** A recorded repository, unpacked to `@/fixture`, with its password. */
  readonly fixture?: string;
  readonly rows: readonly MatrixRow[];
}

/** All scenarios of a command group. */
export interface MatrixGroup {
  /** Name of the golden file. */
  readonly name: string;
  readonly scenarios: readonly MatrixScenario[];
  /** `false`: only exit codes are kept, since the rows follow from the parser's tables. */
  readonly golden?: false;
}

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
