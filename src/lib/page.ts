/** As JSON. To write a longer page would keep all other requests waiting for too long. */
const MAX_PAGE_BYTES = 1_000_000;

const bytesOf = (item: unknown) => Buffer.byteLength(JSON.stringify(item));

/**
 * The first items of some batches: at most `limit`, and about a megabyte. There is always at least one.
 * @returns also whether there is a further one
 */
export async function firstPage<Item>(
  batches: AsyncIterable<readonly Item[]>,
  limit: number,
): Promise<{ items: Item[]; hasMore: boolean }> {
  const items: Item[] = [];
  let bytes = 0;
  for await (const batch of batches) {
    for (const item of batch) {
      bytes += bytesOf(item);
      const isFull = items.length === limit || (bytes > MAX_PAGE_BYTES && items.length > 0);
      if (isFull) return { items, hasMore: true };
      items.push(item);
    }
  }
  return { items, hasMore: false };
}
