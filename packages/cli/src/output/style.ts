/** Colours of text for people; without effect where there are none. */
export interface Style {
  /** What went wrong. */
  error(text: string): string;
  /** What deserves a look. */
  warning(text: string): string;
  /** What is worth noticing. */
  notice(text: string): string;
}

const RED = 91;
const YELLOW = 93;
const CYAN = 36;

/** What decides about colours. */
export interface StyleOptions {
  readonly isTerminal: boolean;
  readonly force: boolean;
  readonly disable: boolean;
}

/** Colours on a terminal, or where they are forced; `--disable-color` wins. */
export function createStyle({ isTerminal, force, disable }: StyleOptions): Style {
  const isOn = !disable && (force || isTerminal);
  const paint = (colour: number) => (text: string) =>
    isOn && text !== "" ? `\u001B[${colour}m${text}\u001B[0m` : text;
  return { error: paint(RED), warning: paint(YELLOW), notice: paint(CYAN) };
}
