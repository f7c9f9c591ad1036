import { compareBytes, utf8Encode } from "@kopia-engine/kopia-format";

/** A text whose raw bytes are known where they are not valid UTF-8. */
export interface RawText {
  readonly text: string;
  readonly bytes: Uint8Array | undefined;
}

/** From this UTF-16 unit on, string order and the order of UTF-8 bytes may differ. */
const FIRST_SURROGATE = 0xd800;
const BEHIND_SURROGATES = 0xe000;

/** Bytewise order of two texts as UTF-8, without encoding them (spec 2 §6.6). Not the order of `<`. */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rankOfUnit(unitA) - rankOfUnit(unitB);
  }
  return a.length - b.length;
}

/** Bytewise order of raw texts: raw bytes where they are known, else UTF-8. */
export function compareRawTexts(a: RawText, b: RawText): number {
  if (a.bytes === undefined && b.bytes === undefined) return compareUtf8(a.text, b.text);
  return compareBytes(a.bytes ?? utf8Encode(a.text), b.bytes ?? utf8Encode(b.text));
}

/** Surrogates stand for code points above U+FFFF, so they rank behind U+E000…U+FFFF. */
function rankOfUnit(unit: number): number {
  return unit < FIRST_SURROGATE ? unit : unit < BEHIND_SURROGATES ? unit + 0x10000 : unit;
}
