import { KopiaError } from "@kopia-engine/kopia-format";

/** What the operator puts between arguments, as one text (spec 4 §2.5). */
const SEPARATOR = "|VOLSYNC_ARG_SEP|";

/**
 * Flags that would redirect connection, password, logs or cache, or answer for another command: the
 * original mover passed them on, with repositories under a wrong password as the result (spec 4 §0.4 item 5).
 */
const FORBIDDEN = new Set([
  "--config-file",
  "--password",
  "-p",
  "--log-file",
  "--content-log-file",
  "--log-dir",
  "--cache-directory",
  "--persist-credentials",
  "--no-persist-credentials",
  "--use-keyring",
  "--no-use-keyring",
  "--override-source",
  "--override-username",
  "--override-hostname",
  "--dump-allocator-stats",
  "--profile-dir",
]);

/**
 * Splits `KOPIA_ADDITIONAL_ARGS` at the whole separator (the original split at every letter of it).
 * @throws KopiaError `MOVER_ENVIRONMENT` for a flag that redirects where data or secrets go, and for
 * words that are no flags. Values are not repeated in the message: they may be secret.
 */
export function splitAdditionalArguments(text: string): readonly string[] {
  const words = text.split(SEPARATOR).filter((word) => word !== "");
  for (const word of words) {
    const name = word.split("=", 1)[0] ?? "";
    if (!name.startsWith("-") || name === "--")
      throw refusal(name, "is not a flag; write values as --flag=value");
    // A short flag carries its value behind it: only its letter is named.
    if (/^-[^-]./.test(name))
      throw refusal(name.slice(0, 2), "is not allowed here; use long flags");
    if (FORBIDDEN.has(name)) throw refusal(name, "is not allowed here");
  }
  return words;
}

function refusal(name: string, why: string): KopiaError {
  return new KopiaError("MOVER_ENVIRONMENT", `KOPIA_ADDITIONAL_ARGS: "${name}" ${why}`, {
    details: { argument: name },
  });
}
