/** Why commands of Kopia are not here yet, by the beginning of their names; the first that fits. */
export const NOT_YET: readonly (readonly [string, string])[] = [
  ["server", "comes with the repository server"],
  ["notification", "comes with the repository server"],
  ["mount", "needs a FUSE or WebDAV server"],
  ["repository connect server", "comes with the repository server"],
  ["repository connect", "repositories lie in directories here"],
  ["repository create", "repositories lie in directories here"],
  ["repository repair", "repositories lie in directories here"],
  ["repository sync-to", "repositories lie in directories here"],
];

/** Where a command does better than Kopia's. */
export const BETTER: Readonly<Record<string, string>> = {
  "cache clear": "empties only a directory that is marked as a cache",
  "manifest delete": "an ID that is not there is an error, and nothing is deleted then",
  "policy edit":
    "what cannot be read is kept in a file; the password is not passed on to the editor",
  "policy import": "all policies are stored, or none",
  "repository connect filesystem": "a failed attempt leaves the earlier connection as it was",
  "repository create filesystem": "refuses a path inside or around another repository",
  "repository sync-to filesystem":
    "packs before indexes, lengths are compared, a dry run writes nothing, foreign blobs are refused",
  "repository sync-to from-config":
    "packs before indexes, lengths are compared, a dry run writes nothing, foreign blobs are refused",
  "content verify": "refuses a repository whose packs have lost every index",
  "snapshot verify": "refuses a repository whose packs have lost every index",
  "snapshot create": "refuses a repository whose packs have lost every index",
  show: "takes snapshot IDs with a path inside as well",
  list: "entries in the order of their names",
};

/** Variables that are read without a flag. */
export const OTHER_VARIABLES: readonly (readonly [string, string, string])[] = [
  ["KOPIA_BYTES_STRING_BASE_2", "same", "sizes in KiB, MiB, …"],
  ["KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS", "same", "skips manifests that cannot be read"],
  [
    "KOPIA_ENABLE_CLOCK_SKEW_CHECK",
    "same",
    "refuses to write when clocks differ by over 5 minutes",
  ],
  ["XDG_CONFIG_HOME, XDG_CACHE_HOME, HOME", "same", "where connection files, caches and logs lie"],
  ["VISUAL, EDITOR", "same", "for `policy edit`"],
  ["KOPIA_UPGRADE_LOCK_ENABLED", "same", "makes `repository upgrade` available"],
  [
    "KOPIA_ENGINE_WRITE_LZ4",
    "ours",
    "writes `lz4`, which Kopia 0.23 cannot read, where a policy says so",
  ],
  ["KOPIA_MAINTENANCE_CONTENT_VERIFY_PERCENTAGE", "no effect", "Kopia's check of itself"],
  ["KOPIA_IGNORE_MAINTENANCE_REWRITE_ERROR", "no effect", "an unreadable content stops its task"],
  [
    "KOPIA_DEBUG_MANIFEST_MANAGER, KOPIA_VERIFY_INVARIANTS, KOPIA_TRACK_CHUNK_ALLOC",
    "no effect",
    "about Kopia's insides",
  ],
  [
    "KOPIA_SKIP_PROVIDER_VALIDATION, KOPIA_DEBUG_FUSE, KOPIA_TESTONLY_FLAGS",
    "no effect",
    "about Kopia's insides",
  ],
  [
    "KOPIA_SERVER_…, KOPIA_AUTH_COOKIE_SIGNING_KEY, KOPIA_UI_TITLE_PREFIX",
    "not yet",
    "come with the repository server",
  ],
  ["AWS_…, AZURE_…, B2_…, KOPIA_WEBDAV_…", "not yet", "repositories lie in directories here"],
];
