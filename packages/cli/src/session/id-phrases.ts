/** Prefix letters of contents. */
const PREFIX = /^[g-z]$/;
const HEX = /^[0-9a-fA-F]$/;

/** Why a text is no content ID, in Kopia's words; `undefined` where only its length is wrong. */
export function contentIdProblem(text: string): string | undefined {
  const hasPrefix = text.length % 2 === 1;
  if (hasPrefix && !PREFIX.test(text.slice(0, 1))) return "invalid content prefix";
  if (text.length === 1) return `id too short: ${JSON.stringify(text)}`;
  const hash = hasPrefix ? text.slice(1) : text;
  const wrong = [...hash].find((character) => !HEX.test(character));
  if (wrong === undefined) return undefined;
  const codePoint = (wrong.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `invalid content hash: encoding/hex: invalid byte: U+${codePoint} '${wrong}'`;
}

/** Why a text is no object ID, in Kopia's words (spec 2 §2.1). */
export function objectIdProblem(text: string): string | undefined {
  const contentId = text.replace(/^I*Z?D?/, "");
  const problem = contentIdProblem(contentId);
  return problem && `malformed content ID: ${JSON.stringify(contentId)}: ${problem}`;
}
