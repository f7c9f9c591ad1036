import { failing, row, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const SPEEDS: MatrixRow["masks"] = [
  [/^ *\d+\. /gm, "N. "],
  [/ +\d+(\.\d+)? [KMGT]?B\/?( \/ second|s)?/g, " SPEED"],
  [/ SPEED *\/s/g, " SPEED"],
  [/^(Fastest option .* is: ).*$/gm, "$1<OPTIONS>"],
  [/ count:\d+ /g, " count:N "],
  [/allocs.*$/gm, "allocs"],
];

const bench = (...argv: readonly string[]): MatrixRow => ({
  ...row("benchmark", ...argv),
  unordered: true,
});

const doctor = (fixture: string, exit: number): MatrixGroup["scenarios"][number] => ({
  name: `doctor: ${fixture}`,
  own: "Kopia has no such command",
  fixture,
  masks: [[/ after \S+$/gm, " after <TIME>"]],
  rows: [
    { ...row("doctor", "@/fixture"), exit },
    { ...row("doctor", "@/fixture", "--json", "--json-indent"), exit },
  ],
});

/** What Kopia does not have, or what measures. */
export const group: MatrixGroup = {
  name: "own",
  scenarios: [
    doctor("fs-v0231-undelete", 0),
    doctor("damaged-pack-missing", 1),
    doctor("damaged-index-truncated", 1),
    doctor("damaged-format-missing", 1),
    {
      name: "doctor: refusals",
      own: "Kopia has no such command",
      rows: [
        { ...row("doctor"), exit: 2 },
        { ...row("doctor", "@/nowhere"), exit: 2 },
        failing("doctor", "--max-data-mb=x"),
      ],
    },
    {
      name: "benchmarks",
      masks: SPEEDS,
      rows: [
        {
          ...bench(
            "compression",
            "--repeat=1",
            "--algorithms=gzip-best-speed,s2-default",
            "--data-file=@/data",
          ),
          files: { data: "text ".repeat(10_000) },
          differs: "allocations are not counted",
        },
        bench("hashing", "--repeat=1", "--block-size=10KB"),
        bench("encryption", "--repeat=1", "--block-size=10KB", "--print-options"),
        bench("crypto", "--repeat=1", "--block-size=10KB"),
        bench("ecc", "--repeat=1", "--block-size=1MB"),
        {
          ...bench("splitter", "--data-size=1MB", "--block-count=1"),
          differs: "the random data of a seed is another one",
        },
        failing("benchmark", "compression"),
        failing("benchmark", "compression", "--data-file=@/nowhere"),
        failing("benchmark", "compression", "--data-file=@/data", "--operations=nope"),
        failing("benchmark", "hashing", "--block-size=x"),
        {
          ...failing("benchmark", "encryption", "--repeat=x"),
          differs: "the message names another parser of numbers",
        },
        failing("benchmark", "encryption", "--block-size=x"),
        failing("benchmark", "crypto", "--block-size=x"),
        failing("benchmark", "ecc", "--block-size=1XB"),
        failing("benchmark", "splitter", "--data-size=x"),
      ],
    },
  ],
};
