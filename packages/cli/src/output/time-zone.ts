/**
 * Zone for times in text output. `original` is UTC, in which times are stored; a name that is not known
 * means local time, as in Kopia.
 * @returns an IANA name, or `undefined` for local time.
 */
export function timeZoneOption(text: string): string | undefined {
  if (text === "local" || text === "") return undefined;
  if (text === "utc" || text === "original") return "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
