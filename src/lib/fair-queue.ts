/** A bounded queue that takes items of its clients in turn. All `undefined` clients count as one. */
export type FairQueue<Item> = {
  /**
   * Adds an item. When the queue is full, the latest item of the client with the most items is dropped, if this client has
   * at least two items less. Otherwise the new item is dropped.
   * @returns the item that was dropped
   */
  push(client: string | undefined, item: Item): Item | undefined;
  /** Takes the oldest item of the next client. */
  shift(): Item | undefined;
  /** The number of items. */
  size(): number;
};

export function createFairQueue<Item>(max: number): FairQueue<Item> {
  /** The clients with items, in the order of their turns. */
  const lanes = new Map<string | undefined, Item[]>();
  let size = 0;

  function longestLane(): Item[] {
    let longest: Item[] = [];
    for (const lane of lanes.values()) if (lane.length > longest.length) longest = lane;
    return longest;
  }

  return {
    push(client, item) {
      const lane = lanes.get(client) ?? [];
      const isFull = size >= max;
      const longest = isFull ? longestLane() : undefined;
      if (longest && longest.length <= lane.length + 1) return item;
      lanes.set(client, lane);
      lane.push(item);
      if (longest) return longest.pop();
      size++;
      return undefined;
    },

    shift() {
      const [turn] = lanes;
      if (!turn) return undefined;
      const [client, lane] = turn;
      lanes.delete(client);
      if (lane.length > 1) lanes.set(client, lane);
      size--;
      return lane.shift();
    },

    size: () => size,
  };
}
