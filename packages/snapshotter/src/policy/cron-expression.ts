/** Limits and names of one field of a cron expression. */
interface CronField {
  readonly min: number;
  readonly max: number;
  /** Largest step behind `/`. */
  readonly maxStep: number;
  /** Digits that a number may have. */
  readonly digits: RegExp;
  readonly names?: readonly string[];
  /** Special items of this field, besides numbers, names and ranges. */
  readonly special?: RegExp;
}

const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const TWO = /^\d{1,2}$/;

const SECOND: CronField = { min: 0, max: 59, maxStep: 59, digits: TWO };
const MINUTE: CronField = SECOND;
const HOUR: CronField = { min: 0, max: 23, maxStep: 23, digits: TWO };
const DAY: CronField = {
  min: 1,
  max: 31,
  maxStep: 31,
  digits: TWO,
  special: /^(?:l|lw|(?:[1-9]|[12]\d|3[01])w)$/,
};
const MONTH: CronField = { min: 1, max: 12, maxStep: 12, digits: TWO, names: ["", ...MONTHS] };
const WEEKDAY: CronField = {
  min: 0,
  max: 7,
  maxStep: 6,
  digits: TWO,
  names: WEEKDAYS,
  special: /^(?:[0-7]|sun|mon|tue|wed|thu|fri|sat)l$/,
};
const YEAR: CronField = { min: 1970, max: 2099, maxStep: 129, digits: /^\d{4}$/ };

const MACROS = /^@(?:annually|yearly|monthly|weekly|daily|hourly)$/;

/**
 * Whether a text is a cron expression as Kopia accepts it: five fields (minute, hour, day, month, weekday), six
 * with a year, seven with seconds as well, or one of `@hourly` to `@annually`. Text behind `#` is a comment; a
 * text that is nothing but a comment is valid and never due (spec 2 §8.7).
 */
export function isCronExpression(text: string): boolean {
  const hash = text.indexOf("#");
  const expression = (hash < 0 ? text : text.slice(0, hash)).trim();
  if (expression === "" || MACROS.test(expression)) return true;
  const parts = expression.toLowerCase().split(/\s+/);
  if (parts.length < 5 || parts.length > 7) return false;
  const fields = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR].slice(
    parts.length === 7 ? 0 : 1,
  );
  return parts.every((part, index) => isFieldText(part, fields[index] as CronField));
}

/** A list of items; empty ones do not count, but one must be there. */
function isFieldText(part: string, field: CronField): boolean {
  const items = part.split(",").filter((item) => item !== "");
  return items.length > 0 && items.every((item) => isItem(item, field));
}

function isItem(item: string, field: CronField): boolean {
  if (item === "?" || field.special?.test(item) === true) return true;
  const [range = "", step, ...more] = item.split("/");
  if (more.length > 0) return false;
  if (step !== undefined && !isStep(step, field)) return false;
  if (range === "*") return true;
  const ends = range.split("-");
  // A range may run backwards, as Kopia's parser lets it.
  return ends.length <= 2 && ends.every((end) => isValue(end, field));
}

function isStep(step: string, field: CronField): boolean {
  return /^\d{1,3}$/.test(step) && Number(step) >= 1 && Number(step) <= field.maxStep;
}

function isValue(text: string, field: CronField): boolean {
  if (field.digits.test(text)) return Number(text) >= field.min && Number(text) <= field.max;
  return (field.names ?? []).some(
    (name) => name !== "" && (text === name || text === name.slice(0, 3)),
  );
}
