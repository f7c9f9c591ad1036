/** How bad a finding is: data is lost or out of reach; something will go wrong; good to know. */
export type Severity = "error" | "warning" | "note";

interface FindingKind {
  readonly severity: Severity;
  /** One line in plain words. */
  readonly title: string;
  /** What to do, most urgent first. */
  readonly nextSteps: readonly string[];
}

const COPY_FIRST = "Copy the repository directory before anything is changed.";
const RECOVER =
  "Put the entries back: kopia --dangerous-commands=enabled index recover --commit (it only adds an index blob).";
const VERIFY = "Then check: kopia snapshot verify.";

/**
 * Everything the doctor can find. `docs/MAINTENANCE.md` has one section for each; a test compares the two
 * in both directions.
 */
export const FINDING_CODES = {
  "format-blob-missing": error(
    "The format blob kopia.repository is missing: nobody can open this repository",
    [
      COPY_FIRST,
      "Restore kopia.repository.f from a backup or another copy of the repository.",
      "Where packs hold a copy of it: kopia --dangerous-commands=enabled repository repair filesystem --path=….",
    ],
  ),
  "format-blob-damaged": error(
    "The format blob kopia.repository is damaged: nobody can open this repository",
    [
      COPY_FIRST,
      "Restore kopia.repository.f from a backup or another copy of the repository.",
      "Where packs hold a copy of it: kopia --dangerous-commands=enabled repository repair filesystem --recover-format=yes --path=….",
    ],
  ),
  "format-settings-damaged": error(
    "The settings blob kopia.blobcfg is damaged: nobody can open this repository",
    [
      COPY_FIRST,
      "Restore kopia.blobcfg.f from a backup.",
      "Without a backup, move kopia.blobcfg.f away: a missing one means no retention settings. Set them again with kopia repository set-parameters.",
    ],
  ),
  "format-settings-missing": warning(
    "The settings blob kopia.blobcfg is missing: settings of blob retention, if there were any, are lost",
    [
      "If the repository used retention (object lock), set it again: kopia repository set-parameters --retention-mode=… --retention-period=….",
      "Otherwise kopia repository set-parameters with any parameter writes the blob again.",
    ],
  ),
  "format-unsupported": error("The repository has a format that this program does not know", [
    "Use a newer version.",
  ]),
  "password-wrong": error("The password does not open the repository", [
    "Give the right password with KOPIA_PASSWORD or --password. What does not need it was examined.",
  ]),
  "upgrade-lock": error("A format upgrade holds the repository: nobody else can open it", [
    "If the upgrade is under way, wait for it.",
    "If the upgrading program is gone, finish or undo it with kopia repository upgrade rollback.",
  ]),
  "storage-unreadable": error("Parts of the storage cannot be read", [
    "Check that the storage is mounted and whole, and that this user may read all of it.",
  ]),
  "index-missing": error("There are packs, but no index: the repository looks empty", [
    "Write nothing and run no maintenance: it would delete the packs.",
    COPY_FIRST,
    RECOVER,
    VERIFY,
  ]),
  "index-blob-damaged": error(
    "An index blob is damaged: the original Kopia cannot open this repository",
    [
      COPY_FIRST,
      RECOVER,
      "Then remove the damaged blob: kopia --dangerous-commands=enabled blob delete BLOB.",
      VERIFY,
    ],
  ),
  "index-entries-lost": error("Contents lie in the packs, but the index has lost their entries", [
    "Run no maintenance before the recovery: it would delete these packs as unreferenced.",
    COPY_FIRST,
    RECOVER,
    VERIFY,
  ]),
  "pack-missing": error("Packs that the index refers to are missing", [
    "Look for the packs in copies of the repository, and put them back.",
    "Files that still exist at their source are stored again by kopia snapshot create --force-hash=100 after kopia snapshot fix invalid-files.",
    "Otherwise replace what is lost by stubs: kopia snapshot fix invalid-files (add --commit when the plan is right).",
  ]),
  "pack-truncated": error("Packs are shorter than the index says", [
    "Look for whole copies of the packs, and put them back.",
    "Otherwise replace what is lost by stubs: kopia snapshot fix invalid-files (add --commit when the plan is right).",
  ]),
  "content-damaged": error("Stored contents cannot be read: their bytes were changed", [
    "Check the disk and the memory of the storage.",
    "Look for whole copies of the packs, and put them back.",
    "Otherwise replace what is lost by stubs: kopia snapshot fix invalid-files --verify-files-percent=100 (add --commit when the plan is right).",
  ]),
  "manifest-damaged": error("Manifests cannot be read: snapshots or policies may be invisible", [
    "Look for whole copies of the named packs, and put them back.",
    "The data of invisible snapshots is still there: run no maintenance, it would delete it.",
    "KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS=1 makes Kopia go on without them.",
  ]),
  "content-lost": error("Snapshots need contents that are neither in the index nor in any pack", [
    "Look for the packs in copies of the repository.",
    "Otherwise replace what is lost by stubs: kopia snapshot fix invalid-files (add --commit when the plan is right).",
  ]),
  "content-forgotten": error(
    "Snapshots need contents that were marked deleted and then dropped from the index",
    [
      "The packs may still hold them: run no maintenance, it would delete the packs.",
      "Take a snapshot of the source with --force-hash=100: contents that still exist there are written again.",
    ],
  ),
  "snapshot-manifest-invalid": warning("Snapshot manifests cannot be understood", [
    "Look at them with kopia manifest show, and delete them when they are of no use.",
  ]),
  "pack-index-damaged": warning(
    "The index at the end of packs is damaged: these packs could not be recovered if index blobs were lost",
    [
      "Write their contents again: kopia --dangerous-commands=enabled content rewrite CONTENT…, with the contents of the named packs (kopia index inspect --active lists them).",
      "Check the disk of the storage.",
    ],
  ),
  "shards-damaged": error("The file .shards cannot be read: the layout of the storage is unknown", [
    "Restore .shards from a backup, or write it again as the directories show.",
  ]),
  "shards-mismatch": error("Blobs do not lie where .shards says: they are listed but not found", [
    "Restore the right .shards, or move the files: kopia blob shards modify --path=… --i-am-sure-kopia-is-not-running.",
  ]),
  "storage-permissions": warning("Files have owners or permissions that will make trouble", [
    "Give all files one owner and the same mode, and let all clients run as that user.",
  ]),
  "temporary-files": warning("Interrupted writes have left temporary files behind", [
    "Delete the named files when no client is writing. They are no part of the repository.",
  ]),
  "foreign-files": warning("There are files that do not belong to a repository", [
    "Move them elsewhere. Programs may take them for blobs, and upkeep may delete them.",
  ]),
  "session-marker-damaged": warning(
    "A session marker cannot be read: maintenance cannot delete unreferenced packs",
    ["Delete it: kopia --dangerous-commands=enabled blob delete BLOB."],
  ),
  "session-stale": warning("Write sessions were never finished", [
    "Nothing is lost: full maintenance removes them and their packs after four days.",
    "Find out why the clients died: out of memory, killed, disk full.",
  ]),
  "session-unfinished": note("Packs of unfinished sessions are in no index", [
    "A client is writing, or has died. The next snapshot stores again what is missing.",
  ]),
  "unreferenced-packs": note("Packs that no index entry refers to take up space", [
    "Full maintenance deletes them a day after they were last needed.",
  ]),
  "clock-skew": warning("Clocks of writers and of the storage differ", [
    "Set the clocks of all machines by NTP. Safety margins of maintenance allow for five minutes.",
  ]),
  "future-timestamps": warning("Blobs are dated in the future", [
    "Set the clock of the storage. Until then, maintenance does not delete what is dated so, and epochs may not advance.",
    "Files with a wrong time can be given the right one with touch.",
  ]),
  "epoch-stuck": warning("The index epoch should have advanced long ago", [
    "Run kopia maintenance run --full as the maintenance owner.",
  ]),
  "index-blobs-many": warning("There are so many index blobs that opening the repository is slow", [
    "Run kopia maintenance run --full as the maintenance owner, several times if need be.",
  ]),
  "maintenance-schedule-damaged": warning(
    "The maintenance schedule kopia.maintenance is damaged: maintenance cannot run",
    [
      "Delete it: kopia --dangerous-commands=enabled blob delete kopia.maintenance. The schedule starts again.",
    ],
  ),
  "maintenance-parameters-damaged": warning("The maintenance parameters cannot be read", [
    "Set them again: kopia maintenance set --owner=me.",
  ]),
  "maintenance-overdue": warning("Maintenance has not run for a long time", [
    "Run kopia maintenance run --full as the maintenance owner, and see why nobody does it.",
  ]),
  "maintenance-owner-unseen": warning(
    "Maintenance belongs to an identity that nobody uses: it will never run by itself",
    ["Take it over: kopia maintenance set --owner=me, or name the identity that shall run it."],
  ),
  "maintenance-failing": warning("The last maintenance run failed", [
    "Run kopia maintenance run --full, and see the message.",
  ]),
  "retention-keeps-nothing": warning("A retention policy keeps no snapshot at all", [
    "The next snapshot of such a source deletes all earlier ones: kopia policy set --keep-latest=10 SOURCE.",
  ]),
  "content-deleted-in-use": note("Contents marked deleted are in use again", [
    "The next full maintenance restores them.",
  ]),
  "data-repaired": note("Error correction had to repair stored data", [
    "The repository is readable. Check the disk of the storage: it changes bytes.",
  ]),
} as const satisfies Readonly<Record<string, FindingKind>>;

/** Name of a kind of finding. */
export type FindingCode = keyof typeof FINDING_CODES;

function error(title: string, nextSteps: readonly string[]): FindingKind {
  return { severity: "error", title, nextSteps };
}

function warning(title: string, nextSteps: readonly string[]): FindingKind {
  return { severity: "warning", title, nextSteps };
}

function note(title: string, nextSteps: readonly string[]): FindingKind {
  return { severity: "note", title, nextSteps };
}
