import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { TreeRow } from "./fixture.ts";

type TextOrBytes = string | { readonly b64: string };

/**
 * A directory tree as rows in the shape of the fixtures, sorted by path bytes, `.` first:
 * what a restore is compared with.
 */
export function readTree(root: string): TreeRow[] {
  const rows: { key: Buffer; row: TreeRow }[] = [];
  const visit = (path: Buffer, relative: Buffer): void => {
    const stat = lstatSync(path, { bigint: true });
    rows.push({ key: relative, row: toRow(path, relative, stat) });
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const childRelative = relative.equals(DOT) ? name : Buffer.concat([relative, SLASH, name]);
      visit(Buffer.concat([path, SLASH, name]), childRelative);
    }
  };
  visit(Buffer.from(root), DOT);
  return rows.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ row }) => row);
}

const DOT = Buffer.from(".");
const SLASH = Buffer.from("/");

function toRow(path: Buffer, relative: Buffer, stat: BigIntStats): TreeRow {
  const type = stat.isDirectory() ? "d" : stat.isSymbolicLink() ? "l" : "f";
  const digestOrTarget =
    type === "f"
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : type === "l"
        ? text(readlinkSync(path, { encoding: "buffer" }))
        : null;
  return [
    text(relative),
    type,
    "0" + (Number(stat.mode) & 0o7777).toString(8),
    type === "d" ? 0 : Number(stat.size),
    Number.isSafeInteger(Number(stat.mtimeNs)) ? Number(stat.mtimeNs) : stat.mtimeNs,
    digestOrTarget,
    Number(stat.uid),
    Number(stat.gid),
  ];
}

function text(raw: Buffer): TextOrBytes {
  const decoded = raw.toString("utf8");
  return Buffer.from(decoded, "utf8").equals(raw) ? decoded : { b64: raw.toString("base64") };
}
