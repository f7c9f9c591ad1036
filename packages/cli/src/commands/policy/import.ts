import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  entriesOf,
  errorMessage,
  isJsonObject,
  parseJson,
  type JsonObject,
} from "@kopia-engine/kopia-format";
import {
  formatSource,
  listPolicies,
  policyFromJson,
  removePolicy,
  setPolicy,
  sourcesEqual,
  type Policy,
  type Source,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, textFlag } from "../../parser/flag.ts";
import { withWriteSession } from "../../session/open-session.ts";
import {
  chosenTargets,
  parsePolicyTarget,
  targetArguments,
  targetFlags,
} from "./policy-targets.ts";
import { savePolicy } from "./save-policy.ts";

const MAX_IMPORT_BYTES = 64 << 20;
const NOT_JSON = "unable to decode policy file as valid json: ";

/** `policy import`: stores policies that `policy export` of any program wrote; all of them or none. */
export const command = defineCommand({
  flags: {
    ...targetFlags,
    fromFile: textFlag("from-file", { help: "Read this file instead of standard input" }),
    allowUnknownFields: booleanFlag("allow-unknown-fields", {
      help: "Keep fields that this program does not know",
    }),
    deleteOtherPolicies: booleanFlag("delete-other-policies", {
      help: "Delete stored policies that are not imported",
    }),
  },
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    const text = await readInput(context, flags.fromFile);
    const document = parseDocument(text);
    await withWriteSession(context, async (session) => {
      const { manifests, repository } = session;
      const chosen = chosenTargets(context, repository, { global: flags.global, targets });
      const imported: { readonly target: Source; readonly policy: Policy }[] = [];
      for (const [name, value] of entriesOf(document)) {
        const policy = readPolicy(name, value, flags.allowUnknownFields);
        const target = parsePolicyTarget(context, repository, name);
        if (chosen === undefined || chosen.some((other) => sourcesEqual(other, target)))
          imported.push({ target, policy });
      }
      for (const { target, policy } of imported)
        await savePolicy(target, policy, () => setPolicy(manifests, target, policy));
      if (!flags.deleteOtherPolicies) return;
      for (const { target } of await listPolicies(manifests)) {
        if (imported.some((kept) => sourcesEqual(kept.target, target))) continue;
        context.log.debug(`deleting policy for ${formatSource(target)}`);
        await removePolicy(manifests, target);
      }
    });
  },
});

async function readInput({ io }: CommandContext, path: string | undefined): Promise<Uint8Array> {
  if (path !== undefined) {
    try {
      return readFileSync(resolve(io.cwd, path));
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const reason = isMissing ? `open ${path}: no such file or directory` : errorMessage(error);
      throw new CommandError(`unable to read policy file: ${reason}`, { cause: error });
    }
  }
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const piece of io.stdin.bytes()) {
    pieces.push(piece);
    lengthBytes += piece.length;
    if (lengthBytes > MAX_IMPORT_BYTES) throw new CommandError(`${NOT_JSON}it is too long`);
  }
  return Buffer.concat(pieces);
}

function parseDocument(text: Uint8Array): JsonObject {
  if (text.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)))
    throw new CommandError(`${NOT_JSON}EOF`);
  let document;
  try {
    document = parseJson(text, { where: "policy file", maxLengthBytes: MAX_IMPORT_BYTES });
  } catch (error) {
    throw new CommandError(`${NOT_JSON}${errorMessage(error)}`, { cause: error });
  }
  if (isJsonObject(document)) return document;
  throw new CommandError(`${NOT_JSON}it must be an object of policies by their targets`);
}

function readPolicy(name: string, value: unknown, allowUnknownFields: boolean): Policy {
  let policy: Policy;
  try {
    policy = policyFromJson(value as JsonObject, name);
  } catch (error) {
    throw new CommandError(`${NOT_JSON}${errorMessage(error)}`, { cause: error });
  }
  const [unknown] = [...(policy.unknownFields ?? [])].flatMap(([, fields]) =>
    [...fields].map(([field]) => field),
  );
  if (unknown !== undefined && !allowUnknownFields)
    throw new CommandError(
      `${NOT_JSON}json: unknown field ${JSON.stringify(unknown)}\n` +
        `  cause: the policy of ${name} has it, and this program does not know it\n` +
        "  what to do: remove it, or pass --allow-unknown-fields",
    );
  return policy;
}
