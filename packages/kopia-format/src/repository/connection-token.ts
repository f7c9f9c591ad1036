import { utf8Encode } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { asObject, asString, field } from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import { decodeStorage } from "./connection-codec.ts";
import type { StorageConfig } from "./connection.ts";

/** What a reconnect token says. */
export interface ConnectionToken {
  readonly storage: StorageConfig;
  readonly password?: string;
}

const TOKEN_VERSION = "1";
const MAX_TOKEN_LENGTH = 2 ** 20;
const BASE64_URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** Token text: unpadded URL-safe base64 of JSON (spec 1 §10.5). Holds the password when one is given: a secret. */
export function encodeConnectionToken(token: ConnectionToken): string {
  const json = goStringify({
    version: TOKEN_VERSION,
    storage: { type: token.storage.type, config: token.storage.config },
    password: token.password === "" ? undefined : token.password,
  });
  const binary = Array.from(utf8Encode(json), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws KopiaError `TOKEN_INVALID` (nothing of the token's text is ever part of a message). */
export function decodeConnectionToken(text: string): ConnectionToken {
  const trimmed = text.trim();
  if (trimmed.length > MAX_TOKEN_LENGTH) throw invalidToken("it is too long");
  if (!BASE64_URL.test(trimmed)) throw invalidToken("it is not URL-safe base64");
  let version: string;
  let token: ConnectionToken;
  try {
    const binary = atob(trimmed.replaceAll("-", "+").replaceAll("_", "/").replaceAll("=", ""));
    const json = Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
    const root = asObject(parseJson(json, { where: "token" }), "token");
    version = asString(field(root, "version"), "token.version");
    const password = field(root, "password");
    token = {
      storage: decodeStorage(field(root, "storage"), "token.storage"),
      ...(password !== undefined && { password: asString(password, "token.password") }),
    };
  } catch {
    // The cause could quote the text, and the text may hold the password.
    throw invalidToken("it does not hold a storage and a version");
  }
  if (version !== TOKEN_VERSION) throw invalidToken("its version is not known");
  return token;
}

function invalidToken(what: string): KopiaError {
  return new KopiaError("TOKEN_INVALID", `the reconnect token cannot be used: ${what}`);
}
