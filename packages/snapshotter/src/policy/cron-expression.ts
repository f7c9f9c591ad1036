/** Limits and names of one field of a cron expression. */
interface CronField {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  /** Day fields also take `L`, `W` and `?`. */
  readonly isDay?: boolean;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly CronField[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31, isDay: true },
  { min: 1, max: 12, names: ["", ...MONTHS] },
  { min: 0, max: 7, names: WEEKDAYS, isDay: true },
  { min: 1970, max: 2099 },
];
const MACROS = /^@(?:annually|yearly|monthly|weekly|daily|hourly)$/;

/**
 * Whether a text is a cron expression: five fields (minute, hour, day, month, weekday), six with a year, seven
 * with seconds as well, or one of `@hourly` to `@annually`. Text behind `#` is a comment (spec 2 §8.7).
 */
export function isCronExpression(text: string): boolean {
  const hash = text.indexOf("#");
  const expression = (hash < 0 ? text : text.slice(0, hash)).trim();
  if (MACROS.test(expression)) return true;
  const parts = expression.split(/\s+/);
  if (parts.length < 5 || parts.length > 7) return false;
  const fields = FIELDS.slice(parts.length === 7 ? 0 : 1);
  return parts.every((part, index) => isCronField(part.toLowerCase(), fields[index] as CronField));
}

function isCronField(part: string, field: CronField): boolean {
  return part.split(",").every((item) => isCronItem(item, field));
}

function isCronItem(item: string, field: CronField): boolean {
  if (field.isDay === true && /^(?:\?|l|lw|\d{1,2}[lw])$/.test(item)) return true;
  const [range = "", step, ...more] = item.split("/");
  if (more.length > 0) return false;
  if (step !== undefined && !/^[1-9]\d{0,3}$/.test(step)) return false;
  if (range === "*") return true;
  const ends = range.split("-").map((end) => fieldValue(end, field));
  if (ends.length > 2 || ends.includes(NaN)) return false;
  return ends.length === 1 || (ends[0] as number) <= (ends[1] as number);
}

function fieldValue(text: string, field: CronField): number {
  const named = field.names?.findIndex((name) => name !== "" && text.startsWith(name)) ?? -1;
  if (named >= 0 && text.length === 3) return named;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  return value >= field.min && value <= field.max ? value : NaN;
}
