/** Colours of text for people; without effect where there are none. */
export interface Style {
  /** What went wrong. */
  error(text: string): string;
  /** What went wrong and may. */
  warning(text: string): string;
}

const BRIGHT_RED = "\u001B[91m";
const BRIGHT_YELLOW = "\u001B[93m";
const RESET = "\u001B[0m";

/** What decides about colours. */
export interface StyleOptions {
  /** Whether results go to a terminal; messages on stderr have colours where results have. */
  readonly isTerminal: boolean;
  readonly force: boolean;
  readonly disable: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Colours on a terminal that knows them, or where they are forced. `--disable-color` wins over `--force-color`,
 * and `NO_COLOR` over both, as in Kopia.
 */
export function createStyle({ isTerminal, force, disable, env }: StyleOptions): Style {
  const isUnwanted = disable || (env["NO_COLOR"] ?? "") !== "";
  const isOn = !isUnwanted && (force || (isTerminal && env["TERM"] !== "dumb"));
  const paint = (colour: string) => (text: string) =>
    isOn && text !== "" ? colour + text + RESET : text;
  return { error: paint(BRIGHT_RED), warning: paint(BRIGHT_YELLOW) };
}
