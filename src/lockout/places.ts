/** Attempts under way from one address, in this thread. */
type UnderWay = { taken: number; waiting: (() => void)[] };

/** What a wait for a place ends with. */
export type Place = { giveBack(): void };

/** Hands out places for attempts that take long to evaluate, so that one address has only a few under way. */
export function createPlaces() {
  const underWay = new Map<string, UnderWay>();

  /** Each waiting attempt then checks whether there is a place for it. */
  function giveBack(address: string, ofAddress: UnderWay): void {
    ofAddress.taken--;
    if (ofAddress.taken === 0) underWay.delete(address);
    for (const wake of ofAddress.waiting.splice(0)) wake();
  }

  /**
   * Takes a place, and waits while all are taken.
   * @param placesOf how many places there are now; undefined when the attempt must not be evaluated any more
   * @returns undefined when `placesOf` does
   */
  return async function take(
    address: string,
    placesOf: () => number | undefined,
  ): Promise<Place | undefined> {
    for (;;) {
      const places = placesOf();
      if (places === undefined) return undefined;
      const ofAddress = underWay.get(address) ?? { taken: 0, waiting: [] };
      underWay.set(address, ofAddress);
      if (ofAddress.taken < places) {
        ofAddress.taken++;
        return { giveBack: () => giveBack(address, ofAddress) };
      }
      await new Promise<void>((resolve) => ofAddress.waiting.push(resolve));
    }
  };
}
