/**
 * How often a property or fuzz test runs: `FUZZ_RUNS` of the environment, else a default that keeps the
 * suite quick.
 */
export function fuzzRuns(
  defaultRuns: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const wanted = Number(env["FUZZ_RUNS"]);
  return Number.isSafeInteger(wanted) && wanted > 0 ? wanted : defaultRuns;
}
