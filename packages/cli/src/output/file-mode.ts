import type { DirectoryEntry } from "@kopia-engine/snapshotter";

const SETUID = 2 ** 23;
const SETGID = 2 ** 22;
const STICKY = 2 ** 20;
const PERMISSIONS = "rwxrwxrwx";

/** Type and mode as Go prints them: `drwxr-xr-x`, `-rw-r--r--`, `Lrwxrwxrwx`, `dtrwxrwxrwx` (spec 2 §9.1). */
export function fileModeText(entry: Pick<DirectoryEntry, "type" | "mode">): string {
  const { type, mode } = entry;
  let kind = type === "d" ? "d" : type === "s" ? "L" : "";
  if ((mode & SETUID) !== 0) kind += "u";
  if ((mode & SETGID) !== 0) kind += "g";
  if ((mode & STICKY) !== 0) kind += "t";
  let permissions = "";
  for (let bit = 0; bit < PERMISSIONS.length; bit++)
    permissions += (mode & (0o400 >> bit)) === 0 ? "-" : PERMISSIONS.charAt(bit);
  return (kind || "-") + permissions;
}
