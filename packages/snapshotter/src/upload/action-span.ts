import { lstatSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { RandomBytes } from "@kopia-engine/kopia-format";
import { errnoText } from "../fs/go-errno.ts";
import { type LocalEntry, entryFromStat } from "../fs/local-directory.ts";
import type { ActionCommand } from "../policy/policy.ts";
import { ActionError } from "./action-error.ts";
import type { ActionKind, ActionResult, ActionRunner } from "./action-runner.ts";
import type { UploadObserver } from "./upload-observer.ts";

/** A directory that an action named in place of the one it was run before. */
export interface SubstituteDirectory {
  readonly path: string;
  readonly entry: LocalEntry;
}

/** What all actions of an upload share. */
export interface ActionContext {
  readonly runner: ActionRunner;
  readonly observer: UploadObserver;
  readonly random: RandomBytes;
}

/** The commands around a folder, or around the root of a snapshot. */
export interface ActionPair {
  readonly before: ActionCommand | undefined;
  readonly after: ActionCommand | undefined;
}

/** From the action before a folder to the one after it: they share an identifier and a working directory (spec 2 §7.9). */
export class ActionSpan {
  readonly #context: ActionContext;
  readonly #scope: "folder" | "snapshot-root";
  readonly #pair: ActionPair;
  readonly #sourcePath: string;
  readonly #id: string;
  #snapshotPath: string;
  #workDirectory: string | undefined;
  /** Processes that go on by themselves still need the working directory. */
  readonly #running: Promise<void>[] = [];
  #isOpen = false;

  constructor(
    context: ActionContext,
    options: {
      readonly scope: "folder" | "snapshot-root";
      readonly pair: ActionPair;
      readonly sourcePath: string;
    },
  ) {
    this.#context = context;
    this.#scope = options.scope;
    this.#pair = options.pair;
    this.#sourcePath = options.sourcePath;
    this.#snapshotPath = options.sourcePath;
    this.#id = Buffer.from(context.random(8)).toString("hex");
  }

  /**
   * Runs the action before; `undefined` when the directory stays the same.
   * @throws ActionError when an essential action fails, or names something that is no directory.
   */
  async enter(): Promise<SubstituteDirectory | undefined> {
    const { before } = this.#pair;
    try {
      const stdout = before === undefined ? "" : await this.#run(`before-${this.#scope}`, before);
      const path = printedSnapshotPath(stdout);
      const substitute = path === "" ? undefined : openSubstitute(path);
      if (substitute !== undefined) this.#snapshotPath = path;
      this.#isOpen = true;
      return substitute;
    } catch (error) {
      this.#removeDirectory();
      if (!(error instanceof ActionError)) throw error;
      const message = `error executing before-${this.#scope} action: ${error.message}`;
      throw new ActionError(message, error.reason);
    }
  }

  /** Runs the action after, once; what is stored by then stays, whatever becomes of it. */
  async leave(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { after } = this.#pair;
    try {
      if (after !== undefined) await this.#run(`after-${this.#scope}`, after);
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      this.#context.observer.actionFailed?.({ error: error.message, essential: true });
    } finally {
      this.#removeDirectory();
    }
  }

  /** Returns what was printed on stdout, also by an action that failed without being essential. */
  async #run(kind: ActionKind, command: ActionCommand): Promise<string> {
    const { runner, observer } = this.#context;
    const result = await runner.run({
      kind,
      command,
      sourcePath: this.#sourcePath,
      variables: {
        KOPIA_ACTION: kind,
        KOPIA_SNAPSHOT_ID: this.#id,
        KOPIA_SOURCE_PATH: this.#sourcePath,
        KOPIA_SNAPSHOT_PATH: this.#snapshotPath,
      },
      workDirectory: () => (this.#workDirectory ??= mkdtempSync(join(tmpdir(), "kopia-action"))),
    });
    if (result.ended !== undefined) this.#running.push(result.ended);
    if (result.failure === undefined) return result.stdout;
    if (command.mode === "async" || command.mode === "essential")
      throw failureOf(kind, command.mode, result);
    const error = `error running non-essential action command: ${result.failure}`;
    observer.actionFailed?.({ error, essential: false });
    return result.stdout;
  }

  #removeDirectory(): void {
    const directory = this.#workDirectory;
    if (directory === undefined) return;
    const remove = (): void => {
      try {
        rmSync(directory, { recursive: true, force: true });
      } catch {
        // What cannot be removed from the temporary directory must not cost a snapshot.
      }
    };
    if (this.#running.length === 0) remove();
    else void Promise.all(this.#running).then(remove);
  }
}

function failureOf(kind: ActionKind, mode: string, result: ActionResult): ActionError {
  const failure = result.failure ?? "";
  const what =
    mode === "async" ? "error starting action command asynchronously" : "essential action failed";
  return new ActionError(
    `error running '${kind}' action: ${what}: ${failure}`,
    result.cause ?? failure,
  );
}

const SNAPSHOT_PATH = "KOPIA_SNAPSHOT_PATH=";

/** The last directory that an action named on a line of its own; empty when it named none. */
function printedSnapshotPath(stdout: string): string {
  const line = stdout.split(/\r?\n/).findLast((text) => text.startsWith(SNAPSHOT_PATH));
  return line?.slice(SNAPSHOT_PATH.length) ?? "";
}

function openSubstitute(path: string): SubstituteDirectory {
  const place = "error getting local directory specified in KOPIA_SNAPSHOT_PATH";
  let entry: LocalEntry;
  try {
    entry = examine(resolve(path));
  } catch (error) {
    const text = errnoText(error);
    throw new ActionError(`${place}: unable to determine entry type: lstat ${path}: ${text}`, text);
  }
  if (entry.kind !== "d") {
    const text = `not a directory: ${path} (was ${ENTRY_WORDS[entry.kind] ?? "a special file"})`;
    throw new ActionError(`${place}: ${text}`, text);
  }
  return { path: resolve(path), entry };
}

/** A link leads to a directory that keeps the name and the attributes of the link, as Kopia stores it. */
function examine(path: string): LocalEntry {
  const entry = entryFromStat({ name: basename(path) || "/" }, lstatSync(path, { bigint: true }));
  if (entry.kind !== "s") return entry;
  const target = statSync(path, { bigint: true });
  if (!target.isDirectory()) return entry;
  return { ...entry, kind: "d", isDirectory: true, sizeBytes: 0, device: Number(target.dev) };
}

/** Kopia's words for what is no directory. */
const ENTRY_WORDS: Readonly<Record<string, string>> = {
  f: "*localfs.filesystemFile",
};
