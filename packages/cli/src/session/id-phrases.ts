const encoder = new TextEncoder();

/** Why a text is no content ID, in Kopia's words; `undefined` where only its length is wrong. */
export function contentIdProblem(text: string): string | undefined {
  // Kopia counts and names bytes.
  const bytes = encoder.encode(text);
  const hasPrefix = bytes.length % 2 === 1;
  if (hasPrefix && !/^[g-z]/.test(text)) return "invalid content prefix";
  if (bytes.length === 1) return `id too short: ${JSON.stringify(text)}`;
  const wrong = bytes.subarray(hasPrefix ? 1 : 0).find((byte) => !isHexDigit(byte));
  if (wrong === undefined) return undefined;
  const codePoint = wrong.toString(16).toUpperCase().padStart(4, "0");
  return `invalid content hash: encoding/hex: invalid byte: U+${codePoint} '${String.fromCodePoint(wrong)}'`;
}

/** Why a text is no object ID, in Kopia's words (spec 2 §2.1). */
export function objectIdProblem(text: string): string | undefined {
  const contentId = text.replace(/^I*Z?D?/, "");
  const problem = contentIdProblem(contentId);
  return problem && `malformed content ID: ${JSON.stringify(contentId)}: ${problem}`;
}

function isHexDigit(byte: number): boolean {
  return /^[0-9a-fA-F]$/.test(String.fromCodePoint(byte));
}
