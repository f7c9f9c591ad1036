import { isKopiaError } from "@kopia-engine/kopia-format";
import { CONTENT_OPERATIONS } from "./content-operations.ts";
import { FORMAT_OPERATIONS } from "./format-operations.ts";
import { SNAPSHOT_OPERATIONS } from "./snapshot-operations.ts";
import type { Fields, Operation, Provider, VectorCase } from "./vector.ts";

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...FORMAT_OPERATIONS,
  ...CONTENT_OPERATIONS,
  ...SNAPSHOT_OPERATIONS,
};

/** Runs the operation of a vector. A typed refusal is a result too: `{"refused": true}`. */
export async function runVector(
  { id, operation, input }: Pick<VectorCase, "id" | "operation" | "input">,
  provider: Provider,
): Promise<Fields> {
  const run = OPERATIONS[operation];
  if (run === undefined) throw new Error(`${id}: there is no operation ${operation}`);
  try {
    return await run(input, provider);
  } catch (error) {
    if (isKopiaError(error)) return { refused: true };
    throw new Error(`${id}: ${String(error)}`, { cause: error });
  }
}
