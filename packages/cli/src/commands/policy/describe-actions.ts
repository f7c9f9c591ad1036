import { formatGoDuration, NS_PER_SECOND } from "@kopia-engine/kopia-format";
import type { ActionCommand, Policy, PolicyField } from "@kopia-engine/snapshotter";
import type { PolicyOrigins, PolicyRow } from "./policy-table.ts";

const NOT_INHERITABLE = "(non-inheritable)";

/** Rows about the commands that run around a snapshot. */
export function actionRows({ actions }: Policy, origins: PolicyOrigins): readonly PolicyRow[] {
  const inherited = (field: PolicyField): string => origins.of(field);
  const rows = [
    ...action("Run command before snapshot root:", actions.beforeSnapshotRoot, () =>
      inherited("actions.beforeSnapshotRoot"),
    ),
    ...action("Run command after snapshot root:", actions.afterSnapshotRoot, () =>
      inherited("actions.afterSnapshotRoot"),
    ),
    ...action("Run command before this folder:", actions.beforeFolder, () => NOT_INHERITABLE),
    ...action("Run command after this folder:", actions.afterFolder, () => NOT_INHERITABLE),
  ];
  return rows.length === 0 ? [{ text: "No actions defined." }] : rows;
}

function action(
  label: string,
  command: ActionCommand | undefined,
  origin: () => string,
): readonly PolicyRow[] {
  if (command === undefined) return [];
  const { script = "", path = "", args = [], mode = "", timeout = 0 } = command;
  const body =
    script === ""
      ? [{ text: "  Command:" }, { text: `    ${path} ${args.join(" ")}` }]
      : [
          { text: "  Embedded script (stored in repository):" },
          ...script
            .trimEnd()
            .split("\n")
            .map((line) => ({ text: `    ${line}` })),
        ];
  return [
    { label, value: "", origin: origin() },
    ...body,
    { label: "  Mode:", value: mode, origin: "" },
    {
      label: "  Timeout:",
      value: formatGoDuration(BigInt(timeout) * NS_PER_SECOND),
      origin: "",
    },
    { text: "" },
  ];
}
