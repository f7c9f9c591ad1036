import { CREATE, failing, row, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const ENABLED = "--dangerous-commands=enabled";
const FILE = "--file is taken as well";
const IDENTITY = ["--override-username=u", "--override-hostname=h"];
const UPGRADE = { KOPIA_UPGRADE_LOCK_ENABLED: "1", KOPIA_REPO_UPGRADE_OWNER_ID: "me" };
const upgrade = (...argv: readonly string[]): MatrixRow => ({
  ...row("repository", "upgrade", ...argv),
  env: UPGRADE,
});

/** Commands of `repository` that are needed rarely: other ways to create and connect, repair, upgrade. */
export const group: MatrixGroup = {
  name: "repository-more",
  scenarios: [
    {
      name: "from a connection file or a token",
      rows: [
        CREATE,
        { ...row("repository", "status", "-t"), save: { token: /--token (\S+)/ } },
        failing("repository", "sync-to", "from-config"),
        failing("repository", "sync-to", "from-config", "--file=@/nowhere"),
        failing("repository", "sync-to", "from-config", "--token=!!"),
        { ...failing("repository", "create", "from-config"), differs: FILE },
        { ...failing("repository", "create", "from-config", "--file=@/nowhere"), differs: FILE },
        failing("repository", "create", "from-config", "--token=!!"),
        failing("repository", "create", "from-config", "--token={token}"),
        {
          ...row("repository", "create", "from-config", "--file=@/new.config", "--create-only"),
          files: {
            "new.config": '{"storage":{"type":"filesystem","config":{"path":"@/new"}}}',
            "new/.keep": "",
            "other.config": '{"storage":{"type":"filesystem","config":{"path":"@/other"}}}',
            "other/.keep": "",
          },
          differs: FILE,
        },
        {
          ...row("repository", "sync-to", "from-config", "--file=@/other.config"),
          masks: [[/\d+ in sync \([^)]*\)/g, "N in sync"]],
        },
        row("repository", "disconnect"),
        row("repository", "connect", "from-config", "--token={token}", ...IDENTITY),
        { ...row("repository", "connect", "from-config", "--token-stdin"), stdin: "!!", exit: 1 },
        row("repository", "disconnect"),
      ],
    },
    {
      name: "repair",
      rows: [
        CREATE,
        failing("repository", "repair"),
        failing("repository", "repair", "filesystem"),
        failing("repository", "repair", "filesystem", "--path=relative"),
        failing("repository", "repair", "filesystem", "--path=@/nowhere"),
        row("repository", "repair", "filesystem", ENABLED, "--path=@/repo"),
        row("repository", "repair", "filesystem", ENABLED, "--path=@/repo", "--dry-run"),
        failing("repository", "repair", "filesystem", "--path=@/repo"),
        failing(
          "repository",
          "repair",
          "filesystem",
          ENABLED,
          "--path=@/repo",
          "--recover-format=nope",
        ),
        { ...row("repository", "status"), removes: ["repo/kopia.repository.f", "cache"], exit: 1 },
        failing("repository", "repair", "filesystem", ENABLED, "--path=@/repo", "-n"),
        row("repository", "repair", "filesystem", ENABLED, "--path=@/repo", "--recover-format=no"),
        failing("repository", "repair", "filesystem", ENABLED, "--path=@/repo"),
        failing("repository", "status"),
      ],
    },
    {
      name: "upgrade",
      masks: [[/^Waiting for .*\n/gm, ""]],
      rows: [
        {
          ...row(
            "repository",
            "create",
            "filesystem",
            "--path=@/repo",
            "--format-version=1",
            ...IDENTITY,
          ),
          differs: CREATE.differs ?? "",
        },
        failing("repository", "upgrade"),
        failing("repository", "upgrade", "begin"),
        { ...upgrade("begin", "--io-drain-timeout=1s"), exit: 1 },
        { ...upgrade("begin", "--status-poll-interval=x"), exit: 1 },
        { ...upgrade("begin", "--commit-mode=nope"), exit: 1 },
        { ...upgrade("rollback"), exit: 1 },
        { ...upgrade("rollback", "x"), exit: 1 },
        { ...upgrade("validate", "x"), exit: 1 },
        {
          ...upgrade(
            "begin",
            "--lock-only",
            "--io-drain-timeout=100ms",
            "--status-poll-interval=100ms",
            "--allow-unsafe-upgrade",
            "--max-permitted-clock-drift=10ms",
          ),
          differs: "which cached format blobs are removed is not told",
        },
        {
          ...upgrade("rollback", "--force"),
          differs: "which cached format blobs are removed is not told",
        },
        { ...upgrade("validate"), exit: 1, differs: "that nothing was upgraded is an error" },
        {
          ...upgrade(
            "begin",
            "--io-drain-timeout=100ms",
            "--status-poll-interval=100ms",
            "--allow-unsafe-upgrade",
            "--max-permitted-clock-drift=10ms",
          ),
          differs: "which cached format blobs are removed is not told",
        },
        row("repository", "status"),
        upgrade("validate"),
        { ...upgrade("rollback", "--force"), exit: 1 },
      ],
    },
  ],
};
