import {
  COPY_DIRECTORY,
  FOREIGN_BLOB_ID,
  PLACE_FILES,
  UPGRADE_AT_ONCE,
  UPGRADE_ENV,
  type CrashTemplate,
  type TemplateKind,
} from "./crash-template.ts";
import type { PlaceState } from "./place-state.ts";

/** A command that writes, and what its being killed may change. */
export interface CrashCommand {
  readonly name: string;
  readonly template: TemplateKind;
  argv(template: CrashTemplate, path: string): readonly string[];
  /** What must be the same after it was killed and run again as after an undisturbed run. */
  readonly same: readonly (keyof PlaceState)[];
  /** The second run may fail where the first one had done its work before it died. */
  readonly mayBeDone?: boolean;
  /** Variables it needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Password that opens the repository afterwards, where it is another one. */
  readonly newPassword?: string;
  /** It works on files beside the repository too: connection, cache, a copy; all are watched then. */
  readonly worksBeside?: boolean;
  /** Until it was run again nothing can be said, by its nature: blobs are on their way to other places. */
  readonly isBrokenUntilDone?: boolean;
  /** What it reads from standard input. */
  readonly input?: string;
}

const STATE = ["snapshots", "policies", "owner", "parameters"] as const;
const ALL_STATE = [...STATE, "contents"] as const;
/** Of commands that leave the repository alone. */
const PLACE_STATE = [...ALL_STATE, "connection"] as const;
const QUIET = "--no-auto-maintenance";
const DANGEROUS = "--dangerous-commands=enabled";

/** Every command that writes to the repository. Those that are not available yet are skipped, and told. */
export const CRASH_COMMANDS: readonly CrashCommand[] = [
  {
    name: "snapshot create",
    template: "current",
    argv: ({ source }) => ["snapshot", "create", source, "--description=new", QUIET],
    same: STATE,
  },
  {
    name: "snapshot create, older scheme",
    template: "older",
    argv: ({ source }) => ["snapshot", "create", source, "--description=new", QUIET],
    same: STATE,
  },
  {
    name: "snapshot create with maintenance",
    template: "current",
    argv: ({ source }) => ["snapshot", "create", source, "--description=new"],
    same: STATE,
  },
  {
    name: "snapshot delete",
    template: "current",
    argv: ({ snapshotIds }) => ["snapshot", "delete", snapshotIds[0] ?? "", "--delete", QUIET],
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "snapshot expire",
    template: "expiring",
    argv: () => ["snapshot", "expire", "--all", "--delete", QUIET],
    same: ALL_STATE,
  },
  {
    name: "snapshot pin",
    template: "current",
    argv: ({ snapshotIds }) => ["snapshot", "pin", snapshotIds[0] ?? "", "--add=kept"],
    same: ["policies", "owner", "parameters", "contents"],
    mayBeDone: true,
  },
  {
    name: "snapshot fix remove-files",
    template: "current",
    argv: () => ["snapshot", "fix", "remove-files", "--filename=new*", "--commit", QUIET],
    same: STATE,
  },
  {
    name: "snapshot fix invalid-files",
    template: "current",
    argv: () => ["snapshot", "fix", "invalid-files", "--commit", QUIET],
    same: STATE,
  },
  {
    name: "policy set",
    template: "current",
    argv: () => ["policy", "set", "--global", "--keep-latest=7"],
    same: ALL_STATE,
  },
  {
    name: "policy delete",
    template: "current",
    argv: ({ source }) => ["policy", "delete", source],
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "manifest delete",
    template: "current",
    argv: ({ snapshotIds }) => ["manifest", "delete", snapshotIds[0] ?? "", DANGEROUS],
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "maintenance set",
    template: "current",
    argv: () => ["maintenance", "set", "--owner=somebody@else"],
    same: ALL_STATE,
  },
  {
    name: "maintenance run, quick",
    template: "current",
    argv: () => ["maintenance", "run", "--safety=none"],
    same: ALL_STATE,
  },
  {
    name: "maintenance run, full",
    template: "current",
    argv: () => ["maintenance", "run", "--full", "--safety=none"],
    same: ALL_STATE,
  },
  {
    name: "maintenance run, full, older scheme",
    template: "older",
    argv: () => ["maintenance", "run", "--full", "--safety=none"],
    same: ALL_STATE,
  },
  {
    name: "maintenance run, quick, older scheme",
    template: "older",
    argv: () => ["maintenance", "run", "--safety=none"],
    same: ALL_STATE,
  },
  {
    name: "content rewrite",
    template: "current",
    argv: () => ["content", "rewrite", "--short", "--safety=none", DANGEROUS],
    same: ALL_STATE,
  },
  {
    name: "index optimize",
    template: "current",
    argv: () => ["index", "optimize", "--all", DANGEROUS],
    same: ALL_STATE,
  },
  {
    name: "index optimize, older scheme",
    template: "older",
    argv: () => ["index", "optimize", "--all", DANGEROUS],
    same: ALL_STATE,
  },
  {
    name: "index recover",
    template: "current",
    argv: () => ["index", "recover", "--commit", DANGEROUS],
    same: STATE,
  },
  {
    name: "blob gc",
    template: "current",
    argv: () => ["blob", "gc", "--delete=yes", "--safety=none", DANGEROUS],
    same: ALL_STATE,
  },
  {
    name: "repository repair",
    template: "older",
    argv: (_, path) => [
      "repository",
      "repair",
      "filesystem",
      `--path=${path}/repo`,
      "--recover-format=yes",
      DANGEROUS,
    ],
    same: ALL_STATE,
  },
  {
    name: "repository set-parameters",
    template: "current",
    argv: () => ["repository", "set-parameters", "--max-pack-size-mb=40"],
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "repository change-password",
    template: "current",
    argv: () => ["repository", "change-password", "--new-password=another"],
    same: ALL_STATE,
    mayBeDone: true,
    newPassword: "another",
  },
  {
    name: "repository upgrade",
    template: "older",
    argv: () => ["repository", "upgrade", "begin", ...UPGRADE_AT_ONCE],
    env: UPGRADE_ENV,
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "repository upgrade rollback",
    template: "locked",
    argv: () => ["repository", "upgrade", "rollback", "--force"],
    env: UPGRADE_ENV,
    same: ALL_STATE,
    mayBeDone: true,
  },
  {
    name: "repository create",
    template: "none",
    argv: (_, path) => ["repository", "create", "filesystem", `--path=${path}/repo`],
    // Killed after the format blob it cannot be created again; what it had still to store are Kopia's built-in
    // defaults (policies) and what the first snapshot stores (the owner of maintenance).
    same: ["snapshots"],
    mayBeDone: true,
  },
  {
    name: "repository create from-config",
    template: "none",
    argv: (_, path) => [
      "repository",
      "create",
      "from-config",
      `--file=${path}/${PLACE_FILES.repository}`,
    ],
    same: ["snapshots"],
    mayBeDone: true,
  },
  {
    name: "repository connect filesystem",
    template: "current",
    argv: (_, path) => ["repository", "connect", "filesystem", `--path=${path}/repo`, "--readonly"],
    worksBeside: true,
    same: PLACE_STATE,
  },
  {
    name: "repository connect from-config",
    template: "current",
    argv: (_, path) => [
      "repository",
      "connect",
      "from-config",
      `--file=${path}/${PLACE_FILES.repository}`,
    ],
    worksBeside: true,
    same: PLACE_STATE,
  },
  {
    name: "repository disconnect",
    template: "current",
    argv: () => ["repository", "disconnect"],
    worksBeside: true,
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "repository set-client",
    template: "current",
    argv: () => ["repository", "set-client", "--description=another"],
    worksBeside: true,
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "repository throttle set",
    template: "current",
    argv: () => ["repository", "throttle", "set", "--upload-bytes-per-second=1000000000"],
    worksBeside: true,
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "repository sync-to filesystem",
    template: "current",
    argv: (_, path) => ["repository", "sync-to", "filesystem", `--path=${path}/${COPY_DIRECTORY}`],
    worksBeside: true,
    same: [...PLACE_STATE, "copy"],
  },
  {
    name: "repository sync-to from-config",
    template: "current",
    argv: (_, path) => [
      "repository",
      "sync-to",
      "from-config",
      `--file=${path}/${PLACE_FILES.copy}`,
      "--delete",
    ],
    worksBeside: true,
    same: [...PLACE_STATE, "copy"],
  },
  {
    name: "repository validate-provider",
    template: "current",
    argv: () => [
      "repository",
      "validate-provider",
      "--concurrency-test-duration=1ms",
      "--num-storage-connections=1",
    ],
    same: PLACE_STATE,
  },
  ...(["clear", "sync"] as const).map((verb): CrashCommand => ({
    name: `cache ${verb}`,
    template: "current",
    argv: () => ["cache", verb],
    worksBeside: true,
    same: PLACE_STATE,
  })),
  {
    name: "cache set",
    template: "current",
    argv: () => ["cache", "set", "--content-cache-size-mb=77"],
    worksBeside: true,
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "cache prefetch",
    template: "current",
    argv: ({ snapshotIds }) => ["cache", "prefetch", snapshotIds[0] ?? ""],
    worksBeside: true,
    same: PLACE_STATE,
  },
  {
    name: "blob delete",
    template: "current",
    argv: () => ["blob", "delete", FOREIGN_BLOB_ID, DANGEROUS],
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "blob shards modify",
    template: "current",
    argv: (_, path) => [
      "blob",
      "shards",
      "modify",
      `--path=${path}/repo`,
      "--default-shards=2,1",
      "--i-am-sure-kopia-is-not-running",
      DANGEROUS,
    ],
    same: PLACE_STATE,
    isBrokenUntilDone: true,
  },
  {
    name: "content delete",
    template: "current",
    argv: ({ unusedContentIds }) => ["content", "delete", unusedContentIds[0] ?? "", DANGEROUS],
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "content undelete",
    template: "current",
    argv: ({ unusedContentIds }) => [
      "content",
      "undelete",
      unusedContentIds.at(-1) ?? "",
      DANGEROUS,
    ],
    same: PLACE_STATE,
    mayBeDone: true,
  },
  {
    name: "logs cleanup",
    template: "current",
    argv: () => ["logs", "cleanup", "--max-count=1"],
    same: PLACE_STATE,
  },
  {
    name: "policy edit",
    template: "current",
    argv: ({ source }) => ["policy", "edit", source],
    env: { EDITOR: "sed -i s/9/6/" },
    input: "y\n",
    same: PLACE_STATE,
  },
  {
    name: "policy import",
    template: "current",
    argv: (_, path) => ["policy", "import", `--from-file=${path}/${PLACE_FILES.policies}`],
    same: PLACE_STATE,
  },
  ...(["copy-history", "move-history"] as const).map((verb): CrashCommand => ({
    name: `snapshot ${verb}`,
    template: "current",
    argv: ({ source }) => ["snapshot", verb, `user@host:${source}`, "user@host:/elsewhere"],
    same: PLACE_STATE,
    mayBeDone: true,
  })),
  {
    name: "snapshot migrate",
    template: "migrating",
    argv: (_, path) => [
      "snapshot",
      "migrate",
      `--source-config=${path}/${PLACE_FILES.otherConnection}`,
      "--all",
    ],
    same: STATE,
  },
];
