import type { CrashTemplate, TemplateKind } from "./crash-template.ts";
import type { RepositoryState } from "./repository-state.ts";

/** A command that writes, and what its being killed may change. */
export interface CrashCommand {
  readonly name: string;
  readonly template: TemplateKind;
  argv(template: CrashTemplate, path: string): readonly string[];
  /** What must be the same after it was killed and run again as after an undisturbed run. */
  readonly same: readonly (keyof RepositoryState)[];
  /** The second run may fail where the first one had done its work before it died. */
  readonly mayBeDone?: boolean;
  /** Variables it needs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Password that opens the repository afterwards, where it is another one. */
  readonly newPassword?: string;
}

const STATE = ["snapshots", "policies", "owner", "parameters"] as const;
const ALL_STATE = [...STATE, "contents"] as const;
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
    argv: () => [
      "repository",
      "upgrade",
      "begin",
      "--io-drain-timeout=1ms",
      "--status-poll-interval=1ms",
      "--max-permitted-clock-drift=1ms",
      "--allow-unsafe-upgrade",
    ],
    env: { KOPIA_UPGRADE_LOCK_ENABLED: "1", KOPIA_REPO_UPGRADE_OWNER_ID: "me" },
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
];
