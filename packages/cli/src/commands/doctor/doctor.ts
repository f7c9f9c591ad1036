import { resolve } from "node:path";
import {
  errorMessage,
  filesystemStorageConfig,
  isConnected,
  isKopiaError,
  openStorage,
  parseFilesystemConfig,
  readConnection,
  readPersistedPassword,
  type StorageConfig,
} from "@kopia-engine/kopia-format";
import { runDoctor, type DoctorReport } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { defineCommand, optionalArgument } from "../../parser/command.ts";
import { booleanFlag, countFlag } from "../../parser/flag.ts";
import { connectionPath } from "../../session/open-session.ts";
import { askPassword, givenPassword } from "../../session/password.ts";
import { printReport } from "./print-report.ts";
import { reportToJson } from "./report-json.ts";

const PROBLEMS = 1;
const INCOMPLETE = 2;

/**
 * `doctor`: examines a repository in whatever state, without writing anything. Ours alone.
 * Exit code 0: healthy; 1: problems; 2: it could not finish.
 */
export const command = defineCommand({
  flags: {
    full: booleanFlag("full", {
      help: "Read all file data, not only a sample of a large repository",
    }),
    maxDataMb: countFlag("max-data-mb", {
      help: "File data to read at most, in MiB; 0 reads none",
      default: 1024,
    }),
    ...jsonFlags,
  },
  arguments: {
    path: optionalArgument(
      "path",
      "Directory of a filesystem repository; the connected repository when left out",
    ),
  },
  async run(context, { flags, arguments: { path } }) {
    const report = await examine(context, path, flags.full ? Infinity : flags.maxDataMb * 2 ** 20);
    if (flags.json) {
      printJsonObject(context.out, reportToJson(report), { indent: flags.jsonIndent });
    } else printReport(context, report);
    if (report.verdict === "healthy") return;
    throw new CommandError(summary(report), {
      exitCode: report.verdict === "problems" ? PROBLEMS : INCOMPLETE,
    });
  },
});

interface Target {
  readonly config: StorageConfig;
  readonly client?: { readonly username: string; readonly hostname: string };
  /** Connection file, beside which a password may be kept. */
  readonly configPath?: string;
}

async function examine(
  context: CommandContext,
  path: string | undefined,
  maxDataBytes: number,
): Promise<DoctorReport> {
  const { io, log } = context;
  try {
    const target = await findTarget(context, path);
    const storage = await openStorage(target.config, { readOnly: true });
    try {
      const password = await passwordFor(context, target);
      return await runDoctor({
        storage,
        directory: parseFilesystemConfig(target.config).path,
        ...(password !== undefined && { password }),
        ...(target.client !== undefined && { client: target.client }),
        ...(io.clock !== undefined && { clock: io.clock }),
        ...(io.random !== undefined && { random: io.random }),
        maxDataBytes,
        signal: io.signal,
        onProgress: (message) => log.info(`doctor: ${message} …`),
      });
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    if (!isKopiaError(error)) throw error;
    throw new CommandError(`the repository cannot be examined: ${errorMessage(error)}`, {
      cause: error,
      exitCode: INCOMPLETE,
    });
  }
}

async function findTarget(context: CommandContext, path: string | undefined): Promise<Target> {
  if (path !== undefined) {
    return { config: filesystemStorageConfig({ path: resolve(context.io.cwd, path) }) };
  }
  const configPath = connectionPath(context);
  if (!isConnected(configPath)) {
    throw new CommandError(
      `repository is not connected: there is no ${configPath}\n` +
        "  what to do: connect first, or name the directory of the repository: kopia doctor /path",
      { exitCode: INCOMPLETE },
    );
  }
  const { storage, client } = await readConnection(configPath);
  if (storage === undefined) {
    throw new CommandError("a connection to a repository server cannot be examined", {
      exitCode: INCOMPLETE,
    });
  }
  return { config: storage, client, configPath };
}

/** Without a password what needs none is examined. */
async function passwordFor(context: CommandContext, target: Target): Promise<string | undefined> {
  const given = givenPassword(context);
  if (given !== undefined) return given;
  const stored =
    target.configPath === undefined ? undefined : await readPersistedPassword(target.configPath);
  if (stored !== undefined) return stored;
  if (!context.io.stdin.isTerminal) return undefined;
  return askPassword(context, "Enter password of the repository: ");
}

function summary({ findings, incomplete }: DoctorReport): string {
  const count = (severity: string): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const parts = [
    `found ${count("error")} errors and ${count("warning")} warnings`,
    ...incomplete.map(({ check, reason }) => `could not finish ${check}: ${reason}`),
  ];
  return parts.join("; ");
}
