import { resolve } from "node:path";
import type { WriteSession } from "@kopia-engine/kopia-format";
import { cleanPath, getEffectivePolicy, listSources, type Source } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { sourceArgument } from "../../session/source-argument.ts";
import type { CreateFlagValues } from "./create-flags.ts";

/** What to read, and under which name to store it. */
export interface SnapshotTask {
  readonly source: Source;
  readonly path: string;
}

/** The sources of this run. @throws CommandError. */
export async function chooseSources(
  context: CommandContext,
  session: WriteSession,
  input: { readonly flags: CreateFlagValues; readonly paths: readonly string[] },
): Promise<readonly SnapshotTask[]> {
  const { flags, paths } = input;
  if (flags.all && paths.length > 0)
    throw new CommandError("cannot use --all when a source path argument is specified");
  if (flags.all) return allSources(session);
  if (paths.length === 0) throw new CommandError("no snapshot sources");
  if (flags.overrideSource !== undefined && paths.length > 1)
    throw new CommandError("cannot specify more than one source with --override-source");
  const { username, hostname } = session.repository.client;
  return paths.map((text) => {
    const path = cleanPath(resolve(context.io.cwd, text));
    const source =
      flags.overrideSource === undefined
        ? { userName: username, host: hostname, path }
        : sourceArgument(context, session.repository, flags.overrideSource);
    return { source, path };
  });
}

/** Every source that this client has snapshots of, but for those that are only made when asked for. */
async function allSources(session: WriteSession): Promise<readonly SnapshotTask[]> {
  const { username, hostname } = session.repository.client;
  const tasks: SnapshotTask[] = [];
  for (const source of await listSources(session.manifests)) {
    if (source.userName !== username || source.host !== hostname) continue;
    const { policy } = await getEffectivePolicy(session.manifests, source);
    if (policy.scheduling.manual !== true) tasks.push({ source, path: source.path });
  }
  return tasks;
}
