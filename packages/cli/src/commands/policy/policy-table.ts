import {
  formatSource,
  sourcesEqual,
  type PolicyField,
  type Source,
} from "@kopia-engine/snapshotter";

const GAP = "   ";

/** A line of a policy description. */
export type PolicyRow =
  /** Text alone. */
  | { readonly text: string }
  /** Label on the left, value on the right, and where it comes from. */
  | { readonly label: string; readonly value: string; readonly origin: string };

/** Says where values come from, in Kopia's words. */
export class PolicyOrigins {
  readonly #definedBy: ReadonlyMap<PolicyField, Source>;
  readonly #target: Source;

  constructor(definedBy: ReadonlyMap<PolicyField, Source>, target: Source) {
    this.#definedBy = definedBy;
    this.#target = target;
  }

  /** What no stored policy gives counts as global. */
  of(field: PolicyField): string {
    const giver = this.#definedBy.get(field) ?? { userName: "", host: "", path: "" };
    return sourcesEqual(giver, this.#target)
      ? "(defined for this target)"
      : `inherited from ${formatSource(giver)}`;
  }
}

/** Aligns rows: values end at one column, which the widest row that has a value decides. */
export function alignPolicyRows(rows: readonly PolicyRow[]): readonly string[] {
  let width = 0;
  for (const row of rows) {
    if ("text" in row || row.value === "") continue;
    width = Math.max(width, row.label.length + GAP.length + row.value.length);
  }
  return rows.map((row) => {
    if ("text" in row) return row.text;
    const room = width - row.label.length;
    const value = row.value.padStart(row.value === "" ? room : Math.max(room, GAP.length));
    return row.origin === "" ? `${row.label}${value}` : `${row.label}${value}${GAP}${row.origin}`;
  });
}
