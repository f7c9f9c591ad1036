import { KopiaError } from "@kopia-engine/kopia-format";

/**
 * Refuses a name that is not a single component: names are not validated when they are stored or read, and
 * one such as `../x` would lead out of the target (spec 2 §6.5, §12.1 trap 24).
 * @param path where the entry is, for the message.
 * @throws KopiaError `RESTORE_UNSAFE_NAME`.
 */
export function checkEntryName(name: string, path: string): void {
  const isSafe =
    name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
  if (isSafe) return;
  throw new KopiaError(
    "RESTORE_UNSAFE_NAME",
    `entry ${JSON.stringify(name)} in ${path} is not a plain file name and is not restored`,
    { details: { name, directory: path } },
  );
}
