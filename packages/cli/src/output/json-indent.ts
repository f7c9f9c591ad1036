/** How JSON is laid out: every line after the first starts with `prefix`, then `indent` a level. */
export interface JsonLayout {
  readonly prefix: string;
  readonly indent: string;
}

/**
 * Lays out compact JSON over several lines without touching any value: numbers, escapes and the order
 * of keys stay as they are. Empty objects and arrays stay closed up.
 * @param text valid JSON; whitespace between tokens is dropped.
 */
export function indentJson(text: string, layout: JsonLayout): string {
  let result = "";
  let depth = 0;
  let isEmpty = false;
  const newline = (): string => `\n${layout.prefix}${layout.indent.repeat(depth)}`;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (" \t\r\n".includes(character)) continue;
    if (character === "}" || character === "]") {
      depth--;
      result += isEmpty ? character : newline() + character;
      isEmpty = false;
      continue;
    }
    if (isEmpty) result += newline();
    isEmpty = false;
    if (character === "{" || character === "[") {
      depth++;
      isEmpty = true;
      result += character;
    } else if (character === ",") result += character + newline();
    else if (character === ":") result += ": ";
    else {
      const end = tokenEnd(text, i);
      result += text.slice(i, end);
      i = end - 1;
    }
  }
  return result;
}

/** End of the string, number or word that starts at `start`. */
function tokenEnd(text: string, start: number): number {
  if (text.charAt(start) !== '"') {
    let end = start + 1;
    while (end < text.length && !" \t\r\n,:{}[]".includes(text.charAt(end))) end++;
    return end;
  }
  let end = start + 1;
  while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === "\\" ? 2 : 1;
  return end + 1;
}
