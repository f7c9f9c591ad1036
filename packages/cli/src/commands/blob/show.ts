import {
  errorMessage,
  isKopiaError,
  readEncryptedBlob,
  type Repository,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { repositoryCrypto } from "../../session/repository-crypto.ts";

/** Blobs that are encrypted as a whole (spec 1 §4.5). */
const ENCRYPTED = /^(?:x[nsr]\d|n[0-9a-f]|m[0-9a-f]|l[0-9a-f]|s[0-9a-f]|_log_)/;

/** `blob show`: bytes of blobs, decrypted on request where that is possible. */
export const command = defineCommand({
  flags: { decrypt: booleanFlag("decrypt", { help: "Decrypt where that is possible" }) },
  arguments: { ids: remainingArguments("blobID", "Names of blobs", { required: true }) },
  async run(context, { flags, arguments: { ids } }) {
    const options = { toleratesDamagedIndex: true, useCache: false };
    await withRepository(
      context,
      async (repository) => {
        for (const id of ids) await context.out.bytes(await bytesOf(repository, id, flags.decrypt));
      },
      options,
    );
  },
});

async function bytesOf(repository: Repository, id: string, decrypt: boolean): Promise<Uint8Array> {
  try {
    if (!decrypt || !ENCRYPTED.test(id)) return await repository.storage.get(id);
    return await readEncryptedBlob(repository.storage, await repositoryCrypto(repository), id);
  } catch (error) {
    const reason = isKopiaError(error, "BLOB_NOT_FOUND") ? "BLOB not found" : errorMessage(error);
    throw new CommandError(`error presenting blob: error reading blob: ${reason}`, {
      cause: error,
    });
  }
}
