import { existsSync } from "node:fs";
import {
  executeShardChange,
  planShardChange,
  readShardParameters,
  systemRandom,
  type ShardParameters,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, integerFlag, listFlag, textFlag } from "../../parser/flag.ts";
import { UsageError } from "../../parser/usage-error.ts";

/** `blob shards modify`: moves the blobs of a directory into another layout (spec 1 §1.1). No connection is needed. */
export const command = defineCommand({
  flags: {
    path: textFlag("path", { help: "Directory of the repository", required: true }),
    iAmSure: booleanFlag("i-am-sure-kopia-is-not-running", {
      help: "No client of this repository is running",
      required: true,
    }),
    defaultShards: textFlag("default-shards", { help: "Sizes `n1,…,nN`, or `flat`" }),
    overrides: listFlag("override", { help: "Layout of a prefix: `prefix=n1,…,nN`" }),
    removedOverrides: listFlag("remove-override", { help: "Prefix whose layout is removed" }),
    unshardedLength: integerFlag("unsharded-length", { help: "Longest name that is not sharded" }),
    dryRun: booleanFlag("dry-run", { help: "Say what would be moved, move nothing" }),
  },
  arguments: {},
  // oxlint-disable-next-line require-await -- commands are asynchronous
  async run(context, { flags }) {
    const { log, out, io } = context;
    const path = flags.path ?? "";
    if (!flags.iAmSure) {
      throw new UsageError("required flag(s) '--i-am-sure-kopia-is-not-running' not provided");
    }
    if (!existsSync(path)) throw new UsageError(`path '${path}' does not exist`);
    log.info("Reading .shards file.");
    const plan = planShardChange(path, changed(readShardParameters(path), flags));
    log.info("Moving files...");
    for (const { from, to } of plan.moves) out.line(`mv ${from} ${to}`);
    const count = plan.moves.length;
    if (flags.dryRun) {
      log.info(`Would move ${count} file, ${plan.unchangedCount} unchanged.`);
      return;
    }
    const removedCount = executeShardChange(plan, io.random ?? systemRandom, {
      onRemoveDirectory: (directory) => out.line(`rmdir ${directory}`),
    });
    log.info(`Moved ${count} files, ${plan.unchangedCount} unchanged.`);
    log.info("Removing empty directories...");
    log.info(`Removed ${removedCount} empty directories...`);
    log.info("Writing new .shards file.");
  },
});

function changed(
  stored: ShardParameters,
  flags: {
    readonly defaultShards: string | undefined;
    readonly overrides: readonly string[];
    readonly removedOverrides: readonly string[];
    readonly unshardedLength: number | undefined;
  },
): ShardParameters {
  const { defaultShards, unshardedLength } = flags;
  let overrides = stored.overrides.filter(({ prefix }) => !flags.removedOverrides.includes(prefix));
  for (const text of flags.overrides) {
    const [prefix = "", sizes] = text.split("=", 2);
    if (sizes === undefined) throw new CommandError("invalid --override");
    const override = { prefix, shards: shardSizes(sizes, "--override") };
    overrides = [...overrides.filter((other) => other.prefix !== prefix), override];
  }
  return {
    default:
      defaultShards === undefined ? stored.default : shardSizes(defaultShards, "--default-shards"),
    maxNonShardedLength: unshardedLength ?? stored.maxNonShardedLength,
    overrides,
  };
}

function shardSizes(text: string, flag: string): readonly number[] {
  if (text === "flat") return [];
  const sizes = text.split(",").map((size) => (/^[1-9]\d{0,2}$/.test(size) ? Number(size) : NaN));
  if (sizes.some(Number.isNaN)) throw new CommandError(`invalid ${flag}`);
  return sizes;
}
