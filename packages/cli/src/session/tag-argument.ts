import { CommandError } from "../command-error.ts";

/** Tags as stored, from `key:value` texts; keys get their `tag:` prefix. @throws CommandError. */
export function tagArguments(texts: readonly string[]): Readonly<Record<string, string>> {
  const tags = Object.create(null) as Record<string, string>;
  for (const text of texts) {
    const colon = text.indexOf(":");
    if (colon <= 0) throw new CommandError(`Invalid tag format (${text}). Requires <key>:<value>`);
    const key = `tag:${text.slice(0, colon)}`;
    if (key in tags) throw new CommandError(`Duplicate tag <key> found. (${text.slice(0, colon)})`);
    tags[key] = text.slice(colon + 1);
  }
  return tags;
}
