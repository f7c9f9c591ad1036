/** Everything that an asynchronous iterable gives, in its order. */
export async function collectAsync<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
