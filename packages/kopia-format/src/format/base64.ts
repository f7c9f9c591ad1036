import type { Bytes } from "../base/bytes.ts";

const STANDARD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Standard base64 with padding, as byte arrays stand in JSON (spec 1 §0.1). */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Bytes of standard base64 with padding; `undefined` for any other text. */
export function decodeBase64(text: string): Bytes | undefined {
  if (!STANDARD.test(text)) return undefined;
  const binary = atob(text);
  return Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i));
}
