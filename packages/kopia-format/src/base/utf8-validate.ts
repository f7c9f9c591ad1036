/** Length of the longest run of valid UTF-8 (RFC 3629) from `start`: up to the first invalid byte, or the end. */
export function validUtf8Length(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) break;
    at += length;
  }
  return at - start;
}

/** Length of the one valid sequence at `at`, 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const { lengthBytes, secondMin, secondMax } = sequenceRule(first);
  if (lengthBytes === 0 || at + lengthBytes > bytes.length) return 0;
  const second = bytes[at + 1] as number;
  if (second < secondMin || second > secondMax) return 0;
  for (let i = at + 2; i < at + lengthBytes; i++) {
    if (((bytes[i] as number) & 0xc0) !== 0x80) return 0;
  }
  return lengthBytes;
}

interface SequenceRule {
  readonly lengthBytes: number;
  readonly secondMin: number;
  readonly secondMax: number;
}

/** Overlong forms, surrogates and values above U+10FFFF show in the second byte. */
function sequenceRule(first: number): SequenceRule {
  if (first < 0xc2 || first > 0xf4) return { lengthBytes: 0, secondMin: 0, secondMax: 0 };
  if (first < 0xe0) return { lengthBytes: 2, secondMin: 0x80, secondMax: 0xbf };
  if (first < 0xf0) {
    return {
      lengthBytes: 3,
      secondMin: first === 0xe0 ? 0xa0 : 0x80,
      secondMax: first === 0xed ? 0x9f : 0xbf,
    };
  }
  return {
    lengthBytes: 4,
    secondMin: first === 0xf0 ? 0x90 : 0x80,
    secondMax: first === 0xf4 ? 0x8f : 0xbf,
  };
}
