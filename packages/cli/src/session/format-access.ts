import {
  discardCachedFormat,
  openStorage,
  readConnection,
  readPersistedPassword,
  type BlobStorage,
  type UpgradeAccess,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { connectionPath, withRepository } from "./open-session.ts";
import { givenPassword } from "./password.ts";
import { upgradeOwnerId } from "./upgrade-waiting.ts";

/** What a change of the format blobs works with. */
export interface FormatAccess {
  readonly storage: BlobStorage;
  /** Password, clock and randomness of this run, and the owner ID of an upgrade where one is set. */
  readonly access: UpgradeAccess;
}

/**
 * Opens the repository as every command does, which proves password, lock and index; then its storage for a change of the
 * format blobs. Afterwards the copies of them that the original program may have cached for this connection are
 * forgotten.
 * @throws CommandError when there is no storage or no password.
 */
export async function withFormatAccess<Result>(
  context: CommandContext,
  use: (access: FormatAccess) => Promise<Result>,
): Promise<Result> {
  const configPath = connectionPath(context);
  let formatKey: Uint8Array<ArrayBuffer> | undefined;
  await withRepository(context, async ({ format }) => {
    ({ formatKey } = format);
  });
  const { storage: config, caching, client } = await readConnection(configPath);
  const password = givenPassword(context) ?? (await readPersistedPassword(configPath));
  if (config === undefined || password === undefined)
    throw new CommandError("error updating repository parameters: no storage or no password");
  const { clock, random } = context.io;
  const ownerId = upgradeOwnerId(context);
  const storage = await openStorage(config, {
    readOnly: client.readOnly,
    ...(clock !== undefined && { clock }),
  });
  try {
    return await use({
      storage,
      access: {
        password,
        ...(formatKey !== undefined && { formatKey }),
        ...(ownerId !== "" && { ownerId }),
        ...(clock !== undefined && { clock }),
        ...(random !== undefined && { random }),
      },
    });
  } finally {
    discardCachedFormat(caching);
    await storage.close();
  }
}
