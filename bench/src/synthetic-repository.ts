import { fileURLToPath } from "node:url";
import {
  createFilesystemRepository,
  createHashFunction,
  systemClock,
  systemRandom,
} from "@kopia-engine/kopia-format";
import { createRepositoryEncryptor, writeSyntheticIndex } from "@kopia-engine/kopia-format/testing";

/** Entry of the process that opens a repository and looks contents up. */
export const LOOKUP_CHILD: string = fileURLToPath(new URL("./lookup-child.ts", import.meta.url));

/** What the process of `LOOKUP_CHILD` tells. */
export interface LookupFigures {
  readonly openSeconds: number;
  /** After opening, when garbage has been collected. */
  readonly residentBytes: number;
  readonly contentCount: number;
  readonly lookupsPerSecond: number;
}

/** Password of all made-up repositories. */
export const SYNTHETIC_PASSWORD = "bench";

/**
 * Makes a repository whose index names contents that do not exist.
 * @returns some of their IDs.
 */
export async function synthesizeRepository(
  path: string,
  size: { readonly contentCount: number; readonly blobCount: number },
): Promise<string[]> {
  await using repository = await createFilesystemRepository({
    path,
    password: SYNTHETIC_PASSWORD,
    client: { username: "bench", hostname: "bench" },
  });
  const { storage, format } = repository;
  const { hash, secret } = format.content;
  return await writeSyntheticIndex({
    storage,
    format,
    hash: await createHashFunction(hash, secret),
    encryptor: createRepositoryEncryptor(format.content, systemRandom),
    clock: systemClock,
    random: systemRandom,
    seed: 7,
    ...size,
  });
}
