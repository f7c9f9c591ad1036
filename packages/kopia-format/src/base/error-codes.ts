/** `later`: the same call may succeed when tried again; `never`: something must change first. */
export type RetryAdvice = "never" | "later";

interface ErrorCodeEntry {
  readonly retry: RetryAdvice;
  readonly advice: string;
}

/**
 * Every error code of the project with what to do next. `docs/ERRORS.md` has one section per code;
 * a test compares the two in both directions.
 */
export const ERROR_CODES = {
  BLOB_NOT_FOUND: never(
    "Check that the storage path is the one that was connected and is mounted.",
  ),
  BLOB_EXISTS: never("Use another name; blobs of this kind are never replaced."),
  STORAGE_UNAVAILABLE: later("Check that the storage is mounted and reachable, then try again."),
  STORAGE_FULL: later("Free space on the storage, then run again: what was stored is reused."),
  STORAGE_PERMISSION: never("Run as a user that may read and write the storage path."),
  STORAGE_READ_ONLY: never("Connect without --readonly to write."),
  STORAGE_RANGE: never(
    "The blob is shorter than the index says. Run `snapshot verify` to see which files are affected.",
  ),
  STORAGE_BAD_SHARDS: never(
    "Restore the .shards file of the storage from a backup, or remove it if the layout is 3,3.",
  ),
  STORAGE_UNSUPPORTED: never("This storage cannot do that; leave the option out."),
  REPOSITORY_NOT_FOUND: never("Check the path, or create a repository there first."),
  REPOSITORY_EXISTS: never("Connect to the existing repository instead of creating one."),
  REPOSITORY_NESTED: never("Choose a path that is neither inside nor around another repository."),
  REPOSITORY_FOREIGN_DATA: never("Choose an empty directory for the repository."),
  REPOSITORY_NOT_CONNECTED: never("Connect to a repository first."),
  REPOSITORY_INDEX_MISSING: never(
    "Packs exist but no index does. Restore the index blobs or recover them from the packs before anything is written.",
  ),
  REPOSITORY_UPGRADING: later("A format upgrade holds the lock. Wait for it, or roll it back."),
  UPGRADE_NOT_RUNNING: never("Begin an upgrade first; there is nothing to roll back."),
  UPGRADE_UNSAFE: never(
    "Stop all other clients of the repository, then try again; see the message for what stands in the way.",
  ),
  REPOSITORY_CLOSED: never("Open the repository again."),
  INVALID_PASSWORD: never("Give the password of this repository."),
  FORMAT_CORRUPT: never(
    "Restore kopia.repository (or kopia.blobcfg) from a copy of the repository.",
  ),
  FORMAT_UNSUPPORTED: never("Use a newer version of this program."),
  FORMAT_INVALID_PARAMETER: never("Use a value inside the stated limits."),
  ALGORITHM_UNKNOWN: never("Use one of the listed algorithms, or a newer version of this program."),
  CONFIG_CORRUPT: never("Disconnect and connect again to write a new connection file."),
  TOKEN_INVALID: never("Ask for a new token with `repository status --reconnect-token`."),
  CONTENT_NOT_FOUND: never("Run `snapshot verify` to see what is affected."),
  CONTENT_CORRUPT: never(
    "The stored bytes were changed. Run `snapshot verify` to see what is affected.",
  ),
  CONTENT_ID_INVALID: never("Give a content ID as `content list` prints it."),
  CONTENT_TOO_LARGE: never("Split the data before writing it."),
  INDEX_CORRUPT: never("Restore that index blob, or recover its entries from the packs."),
  INDEX_LIMIT: never("Write fewer entries into one index."),
  PACK_CORRUPT: never(
    "The end of the pack was changed; its contents may still be readable through the indexes.",
  ),
  EPOCH_EXPIRED: later("The index view was too old when it was written. Run again."),
  SESSION_BROKEN: never("An earlier write failed; see the cause. Open a new session."),
  SESSION_EXPIRED: later("The backup stood still for too long. Run it again."),
  CLOCK_SKEW: later("Set the clock of this machine or of the storage server."),
  COMPRESSION_CORRUPT: never(
    "The stored bytes were changed. Run `snapshot verify` to see what is affected.",
  ),
  COMPRESSION_LIMIT: never("The content unpacks to more than its limit and was refused."),
  OBJECT_ID_INVALID: never("Give an object ID as `snapshot list` prints it."),
  OBJECT_CORRUPT: never("Run `snapshot verify` to see what is affected."),
  OBJECT_NOT_FOUND: never("Run `snapshot verify` to see what is affected."),
  MANIFEST_NOT_FOUND: never("List the manifests and give an existing ID."),
  MANIFEST_CORRUPT: never("A manifest content cannot be read; restore the pack that holds it."),
  MANIFEST_INVALID: never("Give the manifest a non-empty `type` label and valid JSON."),
  DIRECTORY_CORRUPT: never(
    "The directory listing cannot be read; earlier snapshots of the same source may hold it intact.",
  ),
  SNAPSHOT_NOT_FOUND: never("List the snapshots with `snapshot list --all`."),
  SNAPSHOT_INVALID: never("The snapshot manifest cannot be used; choose another snapshot."),
  SOURCE_INVALID: never("Write the source as a path, @host, user@host or user@host:/path."),
  SOURCE_UNREADABLE: never("Check that the source exists and that this user may read it."),
  POLICY_INVALID: never("Correct the policy value."),
  IGNORE_PATTERN_INVALID: never("Correct the pattern in the ignore file or policy."),
  UPLOAD_FAILED: never("See the listed files; the snapshot holds everything else."),
  UPLOAD_CANCELED: later("Run again: what was stored is reused."),
  RESTORE_UNSAFE_NAME: never(
    "The snapshot has an entry whose name could leave the target; restore its parent in parts.",
  ),
  RESTORE_TARGET: never("Choose an empty target or allow overwriting."),
  RESTORE_FAILED: later("See the cause; run again with --skip-existing to continue."),
  VERIFY_FAILED: never("See the listed errors; restore the missing blobs or fix the snapshots."),
  ARGUMENT_INVALID: never("See --help."),
  NOT_IMPLEMENTED: never("Use the original program for this until it is available here."),
  LIMIT_EXCEEDED: never("The input is larger than this program accepts."),
  JSON_INVALID: never("The document is not valid JSON of the expected shape."),
  MOVER_ENVIRONMENT: never("Set the variable in the Job's environment."),
  MOVER_ACTION_FAILED: never("Read what the command printed, and correct it."),
  MAINTENANCE_NOT_OWNED: never(
    "Run maintenance as its owner, or take over with maintenance set --owner=me.",
  ),
  MAINTENANCE_CLOCK_SKEW: later("Set the clocks of this machine and of the storage right."),
  MAINTENANCE_REFUSED: never(
    "Look at the plan with --dry-run; allow it explicitly when it is what you want.",
  ),
  MAINTENANCE_CORRUPT: never("Delete kopia.maintenance; the schedule starts again."),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

function never(advice: string): ErrorCodeEntry {
  return { retry: "never", advice };
}

function later(advice: string): ErrorCodeEntry {
  return { retry: "later", advice };
}
