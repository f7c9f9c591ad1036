import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { createWorkplace, type Workplace } from "../run-kopia.ts";

/** Kinds of repositories that commands are killed in. */
export type TemplateKind = "current" | "older" | "expiring" | "none";

/** A repository with a past, copied for every death. */
export interface CrashTemplate extends Disposable {
  readonly kind: TemplateKind;
  readonly place: Workplace;
  /** Tree that is backed up; changed since the last snapshot. */
  readonly source: string;
  /** Manifest IDs of its snapshots, oldest first. */
  readonly snapshotIds: readonly string[];
}

/** Password of the templates, as in `createWorkplace`. */
export const PASSWORD = "test-password";

const IDENTITY = ["--override-username=user", "--override-hostname=host"];
const KEEP_NOTHING_ELSE = ["hourly", "daily", "weekly", "monthly", "annual"].map(
  (period) => `--keep-${period}=0`,
);
/** Commands that snapshot would start maintenance by themselves. */
const QUIET = "--no-auto-maintenance";

/** Makes a repository with three snapshots, one deleted one, a policy, and contents that nothing needs. */
export async function crashTemplate(kind: TemplateKind): Promise<CrashTemplate> {
  const place = createWorkplace();
  const source = join(place.path, "source");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "same"), seededBytes(1, 3000));
  const template = { kind, place, source, [Symbol.dispose]: () => place[Symbol.dispose]() };
  if (kind === "none") return { ...template, snapshotIds: [] };
  const version = kind === "older" ? ["--format-version=1"] : [];
  const storage = ["filesystem", `--path=${place.path}/repo`, ...IDENTITY, ...version];
  await place.ok("repository", "create", ...storage);
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(source, "changing"), seededBytes(10 + round, 2000));
    writeFileSync(join(source, "sub", `new${round}`), seededBytes(20 + round, 500));
    await place.ok("snapshot", "create", source, `--description=round ${round}`, QUIET);
  }
  const all = await listIds(place);
  await place.ok("snapshot", "delete", all[1] ?? "", "--delete", QUIET);
  const keepLatest = kind === "expiring" ? 1 : 9;
  await place.ok("policy", "set", source, `--keep-latest=${keepLatest}`, ...KEEP_NOTHING_ELSE);
  writeFileSync(join(source, "changing"), seededBytes(99, 2500));
  return { ...template, snapshotIds: await listIds(place) };
}

async function listIds(place: Workplace): Promise<string[]> {
  const { stdout } = await place.ok("snapshot", "list", "--all", "--json");
  return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
}

/** A copy of a template's repository and connection, to crash in. The source stays shared. */
export function copyTemplate(template: CrashTemplate): Workplace {
  const copy = createWorkplace();
  if (template.kind === "none") return copy;
  const from = template.place.path;
  cpSync(from, copy.path, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => path !== template.source,
  });
  const configPath = join(copy.path, "repository.config");
  const config = readFileSync(configPath, "utf8");
  writeFileSync(configPath, config.replaceAll(from, copy.path), { mode: 0o600 });
  return copy;
}
