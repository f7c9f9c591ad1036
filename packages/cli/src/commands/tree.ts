import type { Command, CommandNode, GroupNode, TreeNode } from "../parser/command.ts";

/** What a node of the tree may say besides its name and help. */
interface NodeOptions {
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  readonly load?: () => Promise<{ readonly command: Command }>;
}

/**
 * All commands of Kopia. Those without `load` are known but not available here yet: they fail and say
 * so, while a word that Kopia does not know either is a usage error. Modules are loaded only when their
 * command is chosen, so that starting up is fast.
 */
export const commandTree: GroupNode = group(
  "kopia",
  "Fast and secure backups in a Kopia repository",
  [
    group("benchmark", "Measure algorithms on this machine", [
      node("compression", "Compressors", { load: () => import("./benchmark/compression.ts") }),
      node("crypto", "Hash and encryption together", {
        load: () => import("./benchmark/crypto.ts"),
      }),
      node("splitter", "Splitters", { load: () => import("./benchmark/splitter.ts") }),
      node("hashing", "Hash functions", { load: () => import("./benchmark/hashing.ts") }),
      node("encryption", "Ciphers", { load: () => import("./benchmark/encryption.ts") }),
      node("ecc", "Error correction", { load: () => import("./benchmark/ecc.ts") }),
    ]),
    group(
      "blob",
      "Look at the files of the repository",
      [
        node("delete", "Delete blobs", {
          aliases: ["remove", "rm"],
          load: () => import("./blob/delete.ts"),
        }),
        node("gc", "Delete packs that no index refers to", { load: () => import("./blob/gc.ts") }),
        node("list", "List blobs", { aliases: ["ls"], load: () => import("./blob/list.ts") }),
        group("shards", "Layout of the storage", [
          node("modify", "Change the layout", { load: () => import("./blob/shards-modify.ts") }),
        ]),
        node("show", "Print blobs", { aliases: ["cat"], load: () => import("./blob/show.ts") }),
        node("stats", "Count and size of blobs", { load: () => import("./blob/stats.ts") }),
      ],
      { hidden: true },
    ),
    group(
      "cache",
      "Look after the local cache",
      [
        node("clear", "Empty the cache", { load: () => import("./cache/clear.ts") }),
        node("info", "Show what the cache holds", { load: () => import("./cache/info.ts") }),
        node("prefetch", "Fill the cache with objects", {
          load: () => import("./cache/prefetch.ts"),
        }),
        node("set", "Change the limits of the cache", { load: () => import("./cache/set.ts") }),
        node("sync", "Fill the cache with metadata", { load: () => import("./cache/sync.ts") }),
      ],
      { hidden: true },
    ),
    group(
      "content",
      "Look at contents, the pieces inside packs",
      [
        node("delete", "Delete contents", {
          aliases: ["remove", "rm"],
          load: () => import("./content/delete.ts"),
        }),
        node("list", "List contents", { aliases: ["ls"], load: () => import("./content/list.ts") }),
        node("rewrite", "Write contents again", { load: () => import("./content/rewrite.ts") }),
        node("show", "Print contents", {
          aliases: ["cat"],
          load: () => import("./content/show.ts"),
        }),
        node("stats", "Count and size of contents", { load: () => import("./content/stats.ts") }),
        node("undelete", "Write contents marked deleted again", {
          load: () => import("./content/undelete.ts"),
        }),
        node("verify", "Check that every content is backed by a pack", {
          load: () => import("./content/verify.ts"),
        }),
      ],
      { aliases: ["contents"], hidden: true },
    ),
    node(
      "doctor",
      "Examine a repository in any state, without writing: what is wrong, what to do",
      {
        load: () => import("./doctor/doctor.ts"),
      },
    ),
    node("diff", "Compare two directories", {
      aliases: ["compare"],
      load: () => import("./diff.ts"),
    }),
    group(
      "index",
      "Look at index blobs",
      [
        group("epoch", "Epochs of the index", [
          node("list", "List epochs", { load: () => import("./index/epoch-list.ts") }),
        ]),
        node("inspect", "Print the entries of index blobs", {
          load: () => import("./index/inspect.ts"),
        }),
        node("list", "List index blobs", {
          aliases: ["ls"],
          load: () => import("./index/list.ts"),
        }),
        node("optimize", "Compact index blobs", { load: () => import("./index/optimize.ts") }),
        node("recover", "Rebuild index entries from packs", {
          load: () => import("./index/recover.ts"),
        }),
      ],
      { hidden: true },
    ),
    node("list", "List a directory of a snapshot", {
      aliases: ["ls"],
      load: () => import("./list.ts"),
    }),
    group(
      "logs",
      "Look at the logs in the repository",
      [
        node("cleanup", "Delete old logs", { load: () => import("./logs/cleanup.ts") }),
        node("list", "List logs", { aliases: ["ls"], load: () => import("./logs/list.ts") }),
        node("show", "Print logs", { aliases: ["cat"], load: () => import("./logs/show.ts") }),
      ],
      { aliases: ["log"], hidden: true },
    ),
    group("notification", "Notifications", [
      group("profile", "Where notifications go", [
        group("configure", "Set up a profile", [
          node("email", "By e-mail"),
          node("pushover", "By Pushover"),
          node("webhook", "To a webhook"),
        ]),
        node("delete", "Delete a profile", { aliases: ["rm"] }),
        node("list", "List profiles", { aliases: ["ls"] }),
        node("show", "Show a profile"),
        node("test", "Send a test"),
      ]),
      group("template", "Texts of notifications", [
        node("list", "List templates"),
        node("remove", "Remove a template"),
        node("set", "Change a template"),
        node("show", "Show a template"),
      ]),
    ]),
    group(
      "maintenance",
      "Upkeep of the repository",
      [
        node("info", "Show schedule and recent runs", {
          aliases: ["status"],
          load: () => import("./maintenance/info.ts"),
        }),
        node("run", "Run maintenance", { load: () => import("./maintenance/run.ts") }),
        node("set", "Change the schedule or the owner", {
          load: () => import("./maintenance/set.ts"),
        }),
      ],
      { aliases: ["gc"], hidden: true },
    ),
    group(
      "manifest",
      "Look at manifests",
      [
        node("delete", "Delete manifests", {
          aliases: ["remove", "rm"],
          load: () => import("./manifest/delete.ts"),
        }),
        node("list", "List manifests", {
          aliases: ["ls"],
          load: () => import("./manifest/list.ts"),
        }),
        node("show", "Print manifests", { load: () => import("./manifest/show.ts") }),
      ],
      { hidden: true },
    ),
    node("mount", "Show snapshots as a file system"),
    group(
      "policy",
      "Rules of retention, files, compression and schedule",
      [
        node("delete", "Delete a policy", {
          aliases: ["remove", "rm"],
          load: () => import("./policy/delete.ts"),
        }),
        node("edit", "Edit a policy", { load: () => import("./policy/edit.ts") }),
        node("export", "Write policies to a file", { load: () => import("./policy/export.ts") }),
        node("import", "Read policies from a file", { load: () => import("./policy/import.ts") }),
        node("list", "List policies", { aliases: ["ls"], load: () => import("./policy/list.ts") }),
        node("set", "Change a policy", { load: () => import("./policy/set.ts") }),
        node("show", "Show the effective policy", {
          aliases: ["get"],
          load: () => import("./policy/show.ts"),
        }),
      ],
      { aliases: ["policies"] },
    ),
    group(
      "repository",
      "Connect to repositories and create them",
      [
        node("change-password", "Change the password", {
          load: () => import("./repository/change-password.ts"),
        }),
        group("connect", "Connect to a repository", providers("connect")),
        group("create", "Create a repository", providers("create")),
        node("disconnect", "Forget the connection", {
          load: () => import("./repository/disconnect.ts"),
        }),
        group(
          "repair",
          "Recover the format blob",
          [
            node("filesystem", "In a directory", {
              load: () => import("./repository/repair-filesystem.ts"),
            }),
            ...remoteProviders(),
          ],
          { hidden: true },
        ),
        node("set-client", "Change the client's name or mode", {
          load: () => import("./repository/set-client.ts"),
        }),
        node("set-parameters", "Change parameters of the repository", {
          aliases: ["set-params"],
          load: () => import("./repository/set-parameters.ts"),
        }),
        node("status", "Show the connected repository", {
          load: () => import("./repository/status.ts"),
        }),
        group("sync-to", "Copy the repository to another storage", [
          node("filesystem", "To a directory", {
            load: () => import("./repository/sync-to-filesystem.ts"),
          }),
          node("from-config", "To the storage of a connection file", {
            load: () => import("./repository/sync-to-from-config.ts"),
          }),
          ...remoteProviders(),
        ]),
        group("throttle", "Limits of speed", [
          node("get", "Show the limits", { load: () => import("./repository/throttle-get.ts") }),
          node("set", "Change the limits", { load: () => import("./repository/throttle-set.ts") }),
        ]),
        group(
          "upgrade",
          "Upgrade the format",
          [
            node("begin", "Begin", { load: () => import("./repository/upgrade/begin.ts") }),
            node("rollback", "Roll back", {
              load: () => import("./repository/upgrade/rollback.ts"),
            }),
            node("validate", "Check the upgraded indexes", {
              load: () => import("./repository/upgrade/validate.ts"),
            }),
          ],
          { hidden: true },
        ),
        node("validate-provider", "Check that a storage is good enough", {
          load: () => import("./repository/validate-provider.ts"),
        }),
      ],
      { aliases: ["repo"] },
    ),
    node("restore", "Restore a file or a directory", { load: () => import("./restore.ts") }),
    group("server", "Repository server", [
      group("acl", "Access rules", [
        node("add", "Add a rule"),
        node("delete", "Delete rules", { aliases: ["remove", "rm"] }),
        node("enable", "Turn rules on"),
        node("list", "List rules", { aliases: ["ls"] }),
      ]),
      node("cancel", "Cancel uploads"),
      node("flush", "Write what is pending"),
      node("pause", "Pause sources"),
      node("refresh", "Look for changes"),
      node("resume", "Resume sources"),
      node("shutdown", "Stop the server"),
      node("snapshot", "Start uploads", { aliases: ["upload"] }),
      node("start", "Start the server"),
      node("status", "Show the server's state"),
      group("throttle", "Limits of speed", [
        node("get", "Show the limits"),
        node("set", "Change the limits"),
      ]),
      group(
        "users",
        "Users of the server",
        [
          node("add", "Add a user"),
          node("delete", "Delete a user", { aliases: ["remove", "rm"] }),
          node("hash-password", "Hash a password"),
          node("info", "Show a user"),
          node("list", "List users", { aliases: ["ls"] }),
          node("set", "Change a user"),
        ],
        { aliases: ["user"] },
      ),
    ]),
    group(
      "session",
      "Write sessions",
      [node("list", "List sessions", { aliases: ["ls"], load: () => import("./session/list.ts") })],
      {
        hidden: true,
      },
    ),
    node("show", "Print an object", { aliases: ["cat"], load: () => import("./show.ts") }),
    group(
      "snapshot",
      "Create, list and look after snapshots",
      [
        node("copy-history", "Copy snapshots to another name", {
          load: () => import("./snapshot/copy-history.ts"),
        }),
        node("create", "Create snapshots", { load: () => import("./snapshot/create.ts") }),
        node("delete", "Delete snapshots", { load: () => import("./snapshot/delete.ts") }),
        node("estimate", "Estimate size and time of a snapshot", {
          load: () => import("./snapshot/estimate.ts"),
        }),
        node("expire", "Delete snapshots that the policy no longer keeps", {
          load: () => import("./snapshot/expire.ts"),
        }),
        group("fix", "Repair snapshots", [
          node("invalid-files", "Replace files that cannot be read", {
            load: () => import("./snapshot/fix/invalid-files.ts"),
          }),
          node("remove-files", "Remove files", {
            load: () => import("./snapshot/fix/remove-files.ts"),
          }),
        ]),
        node("list", "List snapshots", {
          aliases: ["ls"],
          load: () => import("./snapshot/list.ts"),
        }),
        node("migrate", "Copy snapshots from another repository", {
          load: () => import("./snapshot/migrate.ts"),
        }),
        node("move-history", "Move snapshots to another name", {
          load: () => import("./snapshot/move-history.ts"),
        }),
        node("pin", "Protect snapshots from being deleted", {
          load: () => import("./snapshot/pin.ts"),
        }),
        node("restore", "Restore a file or a directory", { load: () => import("./restore.ts") }),
        node("verify", "Check that snapshots can be restored", {
          load: () => import("./snapshot/verify.ts"),
        }),
      ],
      { aliases: ["snap"] },
    ),
  ],
);

function node(name: string, help: string, options: NodeOptions = {}): CommandNode {
  const { load } = options;
  const common = { name, help, aliases: options.aliases ?? [], hidden: options.hidden ?? false };
  return load === undefined ? common : { ...common, load: async () => (await load()).command };
}

function group(
  name: string,
  help: string,
  children: readonly TreeNode[],
  options: NodeOptions = {},
): GroupNode {
  return { name, help, children, aliases: options.aliases ?? [], hidden: options.hidden ?? false };
}

function providers(verb: "connect" | "create"): readonly TreeNode[] {
  const filesystem =
    verb === "connect"
      ? () => import("./repository/connect-filesystem.ts")
      : () => import("./repository/create-filesystem.ts");
  const fromConfig =
    verb === "connect"
      ? () => import("./repository/connect-from-config.ts")
      : () => import("./repository/create-from-config.ts");
  return [
    node("filesystem", "In a directory", { load: filesystem }),
    node("from-config", "As a connection file or token says", { load: fromConfig }),
    ...(verb === "connect" ? [node("server", "Through a repository server")] : []),
    ...remoteProviders(),
  ];
}

function remoteProviders(): readonly TreeNode[] {
  return [
    node("azure", "In Azure blob storage"),
    node("b2", "In a B2 bucket"),
    node("gcs", "In Google Cloud Storage"),
    node("gdrive", "In Google Drive"),
    node("rclone", "Through rclone"),
    node("s3", "In an S3 bucket"),
    node("sftp", "On an SFTP server"),
    node("webdav", "On a WebDAV server"),
  ];
}
