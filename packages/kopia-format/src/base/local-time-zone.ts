// The part of Temporal that is used here; Node before 26 and some browsers lack it.
interface TemporalHost {
  readonly Now: { timeZoneId(): string };
  readonly Instant: {
    fromEpochMilliseconds(milliseconds: number): {
      toZonedDateTimeISO(zone: string): { readonly offsetNanoseconds: number };
    };
  };
}

const temporal = (globalThis as { Temporal?: TemporalHost }).Temporal;

/**
 * IANA name of this process's time zone, `UTC` where the platform knows none. Asked of Temporal where
 * there is one: `Intl` needs 13 ms for its first answer, a tenth of a short command's time.
 */
export function localTimeZone(): string {
  const zone = temporal?.Now.timeZoneId() ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // What ICU calls a zone it cannot make out, such as that of an empty `TZ`, which means UTC.
  return zone === "Etc/Unknown" ? "UTC" : zone;
}

/**
 * Seconds east of UTC in a zone at a Unix time, `undefined` where the platform has no Temporal.
 * @throws RangeError for a time zone that the platform does not know
 */
export function temporalOffsetSeconds(seconds: number, zone: string): number | undefined {
  if (temporal === undefined) return undefined;
  const moment = temporal.Instant.fromEpochMilliseconds(seconds * 1000).toZonedDateTimeISO(zone);
  return moment.offsetNanoseconds / 1e9;
}
