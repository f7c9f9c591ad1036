import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A line for everything at and below `place/name`: kind, mode, time, size and digest, or the names in an archive. */
export function showPath(place: string, name: string): string {
  const path = join(place, name);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return `${name}: not there\n`;
  if (stats.isFile() && name.endsWith(".zip"))
    return namesInZip(readFileSync(path)).map(line(name)).join("");
  if (stats.isFile() && /\.(tar|tgz|tar\.gz)$/.test(name))
    return namesInTar(path).map(line(name)).join("");
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  const time = stats.mtime.toISOString().slice(0, 19);
  if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}\n`;
  if (!stats.isDirectory()) {
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 8);
    return `${name} ${mode} ${time} ${stats.size} ${digest}\n`;
  }
  const below = readdirSync(path).sort((a, b) => (a < b ? -1 : 1));
  return `${name}/ ${mode}\n${below.map((child) => showPath(place, join(name, child))).join("")}`;
}

const line =
  (archive: string) =>
  (text: string): string =>
    `${archive}: ${text}\n`;

function namesInTar(path: string): readonly string[] {
  return execFileSync("tar", ["--utc", "-tvf", path], { encoding: "utf8" })
    .trimEnd()
    .split("\n")
    .map((text) => text.replaceAll(/ +/g, " "));
}

const CENTRAL_ENTRY = Buffer.from("PK\u0001\u0002", "latin1");

/** Names and lengths in the central directory. */
function namesInZip(bytes: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = bytes.indexOf(CENTRAL_ENTRY); at >= 0; at = bytes.indexOf(CENTRAL_ENTRY, at + 46)) {
    const method = bytes.readUInt16LE(at + 10) === 0 ? "stored" : "deflated";
    const length = bytes.readUInt32LE(at + 24);
    const name = bytes.toString("utf8", at + 46, at + 46 + bytes.readUInt16LE(at + 28));
    names.push(`${name} ${length} ${method}`);
  }
  return names;
}
