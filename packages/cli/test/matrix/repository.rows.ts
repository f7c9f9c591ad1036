import { CREATE, connectFixture, failing, type MatrixGroup, type MatrixRow } from "./matrix-row.ts";

const IDENTITY = ["--override-username=u", "--override-hostname=h"];
const CACHED = "Kopia also tells which cached format blobs it removes";
const ECC = "error correction is shown";
const CREATED = "Kopia also advertises `validate-provider` and the schedule of maintenance";
const throttle = (...argv: readonly string[]): MatrixRow => ({
  argv: ["repository", "throttle", ...argv],
});
const sync = (...argv: readonly string[]): MatrixRow => ({
  argv: ["repository", "sync-to", "filesystem", ...argv],
  masks: [
    [/\d+ in sync \([^)]*\)/g, "N in sync"],
    [/Would copy \d+ BLOBs \([^)]*\)/g, "Would copy N BLOBs"],
  ],
});

/** `repository …`. */
export const group: MatrixGroup = {
  name: "repository",
  scenarios: [
    {
      name: "create, status, client, throttling, password",
      rows: [
        CREATE,
        failing("repository", "create", "filesystem", "--path=@/repo"),
        failing("repository", "create", "filesystem"),
        failing("repository", "create", "filesystem", "--path=relative"),
        failing("repository", "create", "filesystem", "--path=@/x", "--block-hash=MD5"),
        { argv: ["repository", "status"] },
        { argv: ["repo", "status", "--json"] },
        { argv: ["repository", "status", "--json", "--json-indent"] },
        { argv: ["repository", "status", "-t"] },
        { argv: ["repository", "status", "-ts"] },
        throttle("get"),
        throttle("get", "--json"),
        { ...throttle("get", "extra"), exit: 1 },
        throttle("set"),
        throttle(
          "set",
          "--download-bytes-per-second=100000000",
          "--read-requests-per-second=500.5",
          "--concurrent-reads=3",
        ),
        throttle("get"),
        throttle("get", "--json", "--json-indent"),
        { ...throttle("set", "--upload-bytes-per-second=x"), exit: 1 },
        { ...throttle("set", "--concurrent-writes=1.5"), exit: 1 },
        { ...throttle("set", "--write-requests-per-second=-1"), exit: 1 },
        { ...throttle("set", "--concurrent-writes=-1"), exit: 1 },
        throttle(
          "set",
          "--download-bytes-per-second=unlimited",
          "--read-requests-per-second=-",
          "--concurrent-reads=unlimited",
        ),
        throttle("get", "--json"),
        failing("repository", "set-client"),
        { argv: ["repository", "set-client", "--read-only", "--description=mine"] },
        { argv: ["repository", "set-client", "--read-only"], exit: 1 },
        {
          ...failing("policy", "set", "--global", "--keep-latest=3"),
          differs: "a read-only connection is told at once, before anything is tried",
        },
        { argv: ["repository", "set-client", "--read-write", "--username=x", "--hostname=y"] },
        { argv: ["repository", "set-client", "--repository-format-cache-duration=5m"] },
        { argv: ["repository", "set-client", "--disable-repository-format-cache"] },
        { argv: ["repository", "status"] },
        { argv: ["repository", "set-parameters"] },
        { argv: ["repository", "set-parameters", "--max-pack-size-mb=30"], differs: CACHED },
        failing("repository", "set-parameters", "--index-version=1"),
        { argv: ["repository", "change-password", "--new-password=another"], differs: CACHED },
        { argv: ["policy", "list"], env: { KOPIA_PASSWORD: "" } },
        failing("policy", "list"),
        { argv: ["repository", "disconnect"] },
        failing("repository", "disconnect"),
        failing("repository", "status"),
      ],
    },
    {
      name: "create with every flag, parameters",
      rows: [
        {
          argv: [
            "repository",
            "create",
            "filesystem",
            "--path=@/repo",
            ...IDENTITY,
            "--block-hash=HMAC-SHA256",
            "--encryption=CHACHA20-POLY1305-HMAC-SHA256",
            "--object-splitter=FIXED-1M",
            "--ecc=REED-SOLOMON-CRC32",
            "--ecc-overhead-percent=5",
            "--format-version=2",
            "--file-mode=0640",
            "--dir-mode=0750",
            "--flat",
            "--description=mine",
            "--enable-actions",
            "--max-upload-speed=1000000000",
            "--content-cache-size-mb=10",
            "--metadata-cache-size-mb=20",
            "--max-list-cache-duration=1m",
            "--repository-format-cache-duration=5m",
          ],
          differs: CREATED,
        },
        { argv: ["repository", "status"], differs: ECC },
        {
          argv: ["repository", "status"],
          env: { KOPIA_BYTES_STRING_BASE_2: "true" },
          differs: ECC,
        },
        { argv: ["repository", "status", "--json"] },
        {
          argv: [
            "repository",
            "set-parameters",
            "--max-pack-size-mb=25",
            "--epoch-refresh-frequency=21m",
            "--epoch-min-duration=7h",
            "--epoch-cleanup-safety-margin=5h",
            "--epoch-advance-on-count=30",
            "--epoch-advance-on-size-mb=15",
            "--epoch-delete-parallelism=5",
            "--epoch-checkpoint-frequency=9",
          ],
          differs: CACHED,
        },
        { argv: ["repository", "status"], differs: ECC },
        {
          ...failing("repository", "set-params", "--max-pack-size-mb=500"),
          differs: "the message names both limits",
        },
        failing("repository", "set-parameters", "--retention-mode=NOPE"),
        failing("repository", "set-parameters", "--epoch-min-duration=soon"),
      ],
    },
    {
      name: "connect",
      fixture: "fs-v0231-default",
      rows: [
        failing("repository", "connect"),
        failing("repository", "connect", "filesystem"),
        failing("repository", "connect", "filesystem", "--path=relative"),
        failing("repository", "connect", "filesystem", "--path=@/nowhere"),
        failing("repository", "connect", "from-config"),
        failing("repository", "connect", "from-config", "--token=!!"),
        failing("repository", "connect", "from-config", "--file=@/nowhere"),
        connectFixture("--readonly", "--description=fixture", ...IDENTITY),
        { argv: ["repository", "status"] },
        {
          ...failing("repository", "change-password", "--new-password=x"),
          differs: "the message names the read-only connection",
        },
        failing("repository", "throttle"),
        { argv: ["repository", "connect", "from-config", "--file=@/repository.config"] },
      ],
    },
    {
      name: "sync-to",
      rows: [
        CREATE,
        {
          argv: ["snapshot", "create", "@/source", "--no-auto-maintenance"],
          files: { "source/a": "a" },
          masks: [[/in \d+s/g, "in 0s"]],
        },
        { ...sync(), exit: 1 },
        { ...sync("--path=relative"), exit: 1 },
        { ...sync("--path=@/copy"), exit: 1 },
        { ...sync("--path=@/copy", "--must-exist"), files: { "copy/.keep": "" }, exit: 1 },
        {
          ...sync("--path=@/copy", "--dry-run"),
          differs:
            "a dry run writes nothing, and says what it would copy; Kopia writes the format blob",
        },
        sync("--path=@/copy"),
        sync("--path=@/copy", "--must-exist", "--delete", "--times", "--parallel=4"),
        { ...sync("--path=@/copy", "--no-update", "--no-delete", "-n") },
        { argv: ["repository", "sync-to", "from-config"], exit: 1 },
        {
          argv: ["repository", "create", "filesystem", "--path=@/other", "-c"],
        },
        { ...sync("--path=@/other"), exit: 1 },
        { argv: ["repository", "connect", "filesystem", "--path=@/copy", ...IDENTITY] },
        { argv: ["snapshot", "list"] },
        {
          argv: ["snapshot", "verify", "--verify-files-percent=100"],
          masks: [[/^.*(Listed|Listing|Verified|Processed) .*\n/gm, ""]],
        },
      ],
    },
    {
      name: "validate-provider",
      rows: [
        CREATE,
        {
          argv: ["repository", "validate-provider", "--concurrency-test-duration=200ms"],
          differs: "conditional creates are not tried: nothing here relies on them",
        },
        failing("repository", "validate-provider", "--put-blob-workers=x"),
      ],
    },
  ],
};
