/**
 * Whether names fit a pattern as shells and Go know it: `*` any characters, `?` one, `[a-z]` one of a set,
 * `[^a]` one of all others, `\` takes the next character as it is; no directory separators.
 * @throws RangeError for a pattern that is not well-formed.
 */
export function wildcardMatcher(pattern: string): (name: string) => boolean {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const end = endOfSet(pattern, at);
      source += setSource(pattern.slice(at + 1, end));
      at = end;
    } else if (character === "\\") {
      at++;
      if (at === pattern.length) throw new RangeError(`the pattern ${pattern} ends in a backslash`);
      source += quoted(pattern.charAt(at));
    } else source += quoted(character);
  }
  const expression = new RegExp(`^(?:${source})$`, "su");
  return (name) => expression.test(name);
}

function endOfSet(pattern: string, start: number): number {
  // A bracket directly after the opening one stands for itself.
  const first = pattern.charAt(start + 1) === "^" ? start + 2 : start + 1;
  for (let at = first; at < pattern.length; at++) {
    if (pattern.charAt(at) === "\\") at++;
    else if (pattern.charAt(at) === "]" && at > first) return at;
  }
  throw new RangeError(`the pattern ${pattern} has a [ without ]`);
}

function setSource(set: string): string {
  const isNegated = set.startsWith("^");
  const members = (isNegated ? set.slice(1) : set).replaceAll(/\\(.)|([[\]^])/gsu, (_, a, b) =>
    quotedInSet(String(a ?? b)),
  );
  return `[${isNegated ? "^/" : ""}${members}]`;
}

function quoted(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function quotedInSet(character: string): string {
  return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
}
