import { commandTree } from "../../src/commands/tree.ts";
import { commandsBelow } from "../../src/parser/help.ts";
import type { MatrixGroup } from "./matrix-row.ts";

const paths = commandsBelow(commandTree)
  .filter(({ node }) => node.load === undefined)
  .map(({ path }) => path);

/** Commands of Kopia that are not here: each says so, whatever follows it, and nothing happens. */
export const group: MatrixGroup = {
  name: "not-yet",
  scenarios: [
    {
      name: "refused",
      own: "these commands are not here",
      rows: paths.flatMap((path) => [
        { argv: path, exit: 1 },
        { argv: [...path, "--some-flag=x", "word"], exit: 1 },
      ]),
    },
  ],
};
