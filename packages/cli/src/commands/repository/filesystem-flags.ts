import { filesystemStorageConfig, type StorageConfig } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { booleanFlag, integerFlag, textFlag, type FlagValues } from "../../parser/flag.ts";

const DEFAULT_FILE_MODE = 0o600;
const DEFAULT_DIR_MODE = 0o700;

/** Flags of a repository in a directory (spec 3 §6.3). */
export const filesystemFlags = {
  path: textFlag("path", { help: "Absolute path of the repository", required: true }),
  ownerUid: textFlag("owner-uid", { help: "User ID of new files", placeholder: "USER" }),
  ownerGid: textFlag("owner-gid", { help: "Group ID of new files", placeholder: "GROUP" }),
  fileMode: textFlag("file-mode", { help: "Octal mode of new files (0600)", placeholder: "MODE" }),
  dirMode: textFlag("dir-mode", {
    help: "Octal mode of new directories (0700)",
    placeholder: "MODE",
  }),
  flat: booleanFlag("flat", { help: "No sub-directories" }),
  maxDownloadSpeed: integerFlag("max-download-speed", {
    help: "Limit of reading",
    placeholder: "BYTES_PER_SEC",
  }),
  maxUploadSpeed: integerFlag("max-upload-speed", {
    help: "Limit of writing",
    placeholder: "BYTES_PER_SEC",
  }),
};

/**
 * The storage that the flags describe.
 * @param shards sizes of the directories' names unless it is flat; `null`: what the storage says.
 * @throws CommandError.
 */
export function filesystemStorage(
  flags: FlagValues<typeof filesystemFlags>,
  shards: readonly number[] | null = null,
): StorageConfig {
  const { path } = flags;
  if (path === undefined || !path.startsWith("/")) {
    throw new CommandError(
      "can't connect to storage: filesystem repository path must be absolute\n" +
        `  what to do: write --path=/…, not --path=${path ?? ""}`,
    );
  }
  return filesystemStorageConfig({
    path,
    fileMode: modeBits(flags.fileMode, DEFAULT_FILE_MODE, "--file-mode"),
    dirMode: modeBits(flags.dirMode, DEFAULT_DIR_MODE, "--dir-mode"),
    dirShards: flags.flat ? [] : shards,
    ...ownerId("uid", flags.ownerUid, "--owner-uid"),
    ...ownerId("gid", flags.ownerGid, "--owner-gid"),
    ...(flags.maxUploadSpeed === undefined
      ? {}
      : { maxUploadSpeedBytesPerSecond: flags.maxUploadSpeed }),
    ...(flags.maxDownloadSpeed === undefined
      ? {}
      : { maxDownloadSpeedBytesPerSecond: flags.maxDownloadSpeed }),
  });
}

function modeBits(text: string | undefined, fallback: number, flag: string): number {
  if (text === undefined) return fallback;
  if (!/^[0-7]{1,6}$/.test(text))
    throw new CommandError(`${flag}: ${JSON.stringify(text)} is not an octal mode such as 0600`);
  return Number.parseInt(text, 8);
}

function ownerId(
  key: "uid" | "gid",
  text: string | undefined,
  flag: string,
): { readonly uid?: number; readonly gid?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,10}$/.test(text))
    throw new CommandError(`${flag}: ${JSON.stringify(text)} is not a numeric ID`);
  return { [key]: Number(text) };
}
