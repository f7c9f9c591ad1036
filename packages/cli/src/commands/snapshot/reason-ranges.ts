const TYPE_ORDER = ["latest", "hourly", "daily", "weekly", "monthly", "annual"];

/**
 * Retention reasons of one or more snapshots in short: `latest-1..3,daily-2`. Unknown reasons come first,
 * then the types in the order of retention.
 */
export function shortReasons(reasons: readonly string[]): readonly string[] {
  const numbers = new Map<string, number[]>(TYPE_ORDER.map((type) => [type, []]));
  const others: string[] = [];
  for (const reason of reasons) {
    const [, type = "", number = ""] = /^(.*)-(\d+)$/.exec(reason) ?? [];
    const known = numbers.get(type);
    if (known === undefined) {
      if (!others.includes(reason)) others.push(reason);
    } else known.push(Number(number));
  }
  const known = TYPE_ORDER.flatMap((type) => ranges(type, numbers.get(type) ?? []));
  return [...others, ...known];
}

function ranges(type: string, numbers: readonly number[]): readonly string[] {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const texts: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i] as number;
    while (sorted[i + 1] === (sorted[i] as number) + 1) i++;
    const last = sorted[i] as number;
    texts.push(first === last ? `${type}-${first}` : `${type}-${first}..${last}`);
  }
  return texts;
}
