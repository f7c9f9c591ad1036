import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  readPersistedPassword,
  type Repository,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import {
  SnapshotMigrator,
  formatSource,
  getDefinedPolicy,
  listPolicies,
  listSnapshots,
  listSources,
  loadPolicyTree,
  setPolicy,
  type Source,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, countFlag, listFlag, textFlag, type FlagValues } from "../../parser/flag.ts";
import { UsageError } from "../../parser/usage-error.ts";
import { maintainAfterwards } from "../../session/auto-maintenance.ts";
import { IN_WRITE_SESSION, withRepository, withWriteSession } from "../../session/open-session.ts";
import { sourceArgument } from "../../session/source-argument.ts";
import { givenPassword } from "../../session/password.ts";

const migrateFlags = {
  sourceConfig: textFlag("source-config", {
    help: "Connection file of the repository to read",
    required: true,
  }),
  sources: listFlag("sources", { help: "Sources to migrate" }),
  all: booleanFlag("all", { help: "Migrate all sources" }),
  policies: booleanFlag("policies", { help: "Migrate policies too", default: true }),
  overwritePolicies: booleanFlag("overwrite-policies", { help: "Replace policies that exist" }),
  latestOnly: booleanFlag("latest-only", { help: "Only the latest snapshot of each source" }),
  parallel: countFlag("parallel", { help: "Sources at the same time", default: 1 }),
  applyIgnoreRules: booleanFlag("apply-ignore-rules", {
    help: "Leave out what the rules of today ignore",
  }),
};

/** What a migration works with. */
interface Migration {
  readonly context: CommandContext;
  readonly flags: FlagValues<typeof migrateFlags>;
  readonly from: Repository;
  readonly session: WriteSession;
}

/** `snapshot migrate` (spec 2 §9.12). */
export const command = defineCommand({
  flags: migrateFlags,
  arguments: {},
  async run(context, { flags }) {
    const configPath = resolve(context.io.cwd, flags.sourceConfig ?? "");
    if (!existsSync(configPath))
      throw new UsageError(`path '${flags.sourceConfig}' does not exist`);
    // The password that is given is for the repository that is written; the other one may have its own.
    const password = (await readPersistedPassword(configPath)) ?? givenPassword(context);
    await withWriteSession(
      context,
      async (session) => {
        const use = (from: Repository): Promise<void> => migrate({ context, flags, from, session });
        await withRepository(context, use, {
          configPath,
          ...(password === undefined ? {} : { password }),
        });
        context.log.info("\nMigration finished.");
      },
      { errorPrefix: IN_WRITE_SESSION, afterwards: maintainAfterwards },
    );
  },
});

async function migrate(migration: Migration): Promise<void> {
  const { context, flags, from, session } = migration;
  if (!flags.all && flags.sources.length === 0) {
    throw new CommandError("can't retrieve sources: must specify either --all or --sources");
  }
  // As in Kopia, sources that are named go before all; policies are of all then.
  const named = flags.sources.map((text) =>
    sourceArgument(
      context,
      from,
      text,
      (problem) => `can't retrieve sources: unable to parse ${JSON.stringify(text)}: ${problem}`,
    ),
  );
  const sources = named.length > 0 ? named : await listSources(from.manifests);
  if (flags.policies) {
    const targets = flags.all
      ? (await listPolicies(from.manifests)).map(({ target }) => target)
      : sources;
    for (const target of targets) await migratePolicy(migration, target);
    await session.flush();
  }
  await migrateSources(migration, sources);
}

/** Several sources take turns while they wait for storage; the first failure ends all of them. */
async function migrateSources(migration: Migration, sources: readonly Source[]): Promise<void> {
  const { flags, session, context } = migration;
  const pending = sources.values();
  const failing = new AbortController();
  const signal = AbortSignal.any([failing.signal, context.io.signal]);
  let flushed: Promise<unknown> = Promise.resolve();
  // One after the other: a flush takes over all that the session holds.
  const flush = async (): Promise<void> => {
    const turn = flushed.then(() => session.flush());
    flushed = turn.catch(() => undefined);
    await turn;
  };
  const lane = async (): Promise<void> => {
    for (const source of pending) {
      if (failing.signal.aborted) return;
      try {
        await migrateSource({ ...migration, signal, flush }, source);
      } catch (error) {
        failing.abort(error);
        throw error;
      }
    }
  };
  const lanes = Math.min(Math.max(flags.parallel, 1), Math.max(sources.length, 1));
  const results = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const result of results) if (result.status === "rejected") throw failing.signal.reason;
}

async function migratePolicy(migration: Migration, target: Source): Promise<void> {
  const { context, flags, from, session } = migration;
  const stored = await getDefinedPolicy(from.manifests, target);
  if (stored === undefined) return;
  const name = formatSource(target);
  const isSet = (await getDefinedPolicy(session.manifests, target)) !== undefined;
  if (isSet && !flags.overwritePolicies) {
    context.log.info(`policy already set for ${name}`);
    return;
  }
  context.log.info(`migrating policy for ${name}`);
  await setPolicy(session.manifests, target, stored.policy);
}

async function migrateSource(
  migration: Migration & { readonly signal: AbortSignal; readonly flush: () => Promise<void> },
  source: Source,
): Promise<void> {
  const { context, flags, from, session } = migration;
  const all = await listSnapshots(from.manifests, { source });
  const whole = all.filter(
    ({ incompleteReason, rootEntry }) => incompleteReason === "" && rootEntry !== undefined,
  );
  const existing = await listSnapshots(session.manifests, { source });
  const startTimes = new Set(existing.map(({ startTime }) => startTime));
  const migrator = new SnapshotMigrator({
    objects: from.objects,
    session,
    policyTree: await loadPolicyTree(session.manifests, source),
    applyIgnoreRules: flags.applyIgnoreRules,
    signal: migration.signal,
  });
  for (const snapshot of flags.latestOnly ? whole.slice(-1) : whole) {
    const place = `${formatSource(source)} at ${timestamp(context, snapshot.startTime)}`;
    if (startTimes.has(snapshot.startTime)) {
      context.log.info(`already migrated ${place}`);
      continue;
    }
    context.log.info(`migrating snapshot of ${place}`);
    await migrator.migrate(snapshot);
    // Each is durable by itself: a migration that ends early goes on from here.
    await migration.flush();
  }
}
