/** The parts of a `KopiaError` that are shown; checked by shape so that the engine need not be loaded. */
interface AdvisedError extends Error {
  readonly code: string;
  readonly advice: string;
}

const MAX_CAUSES = 8;

/**
 * The lines of an error: first what Kopia prints, then the causes it does not name yet, then what to do
 * next. Never a stack: people read this.
 */
export function describeError(error: unknown): readonly string[] {
  const chain = errorChain(error);
  const [first] = chain;
  if (first === undefined) return [String(error)];
  const lines = [messageOf(first)];
  let told = messageOf(first);
  for (const cause of chain.slice(1)) {
    const message = messageOf(cause);
    if (message === "" || told.includes(message)) continue;
    lines.push(`  cause: ${message}`);
    told += message;
  }
  // A broken session only repeats what broke it: the advice of that failure helps.
  const advised =
    chain.find((link): link is AdvisedError => isAdvised(link) && link.code !== "SESSION_BROKEN") ??
    chain.find(isAdvised);
  if (advised !== undefined) lines.push(`  what to do: ${advised.advice} (${advised.code})`);
  return lines;
}

function errorChain(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  let next: unknown = error;
  while (next instanceof Error && chain.length < MAX_CAUSES && !chain.includes(next)) {
    chain.push(next);
    next = next.cause;
  }
  return chain;
}

function messageOf(error: Error): string {
  return error.message === "" ? error.name : error.message;
}

function isAdvised(error: Error): error is AdvisedError {
  return "advice" in error && "code" in error && typeof error.advice === "string";
}
