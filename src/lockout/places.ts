/** The attempts of one address that this thread evaluates now. */
type UnderWay = { taken: number; waiting: (() => void)[] };

/** How a wait for a place ends. */
export type Place = { giveBack(): void };

/** Gives places to slow attempts, so that only a few of one address are evaluated at once. */
export function createPlaces() {
  const underWay = new Map<string, UnderWay>();

  /** Each waiting attempt then checks whether there is a place for it. */
  function giveBack(address: string, ofAddress: UnderWay): void {
    ofAddress.taken--;
    if (ofAddress.taken === 0) underWay.delete(address);
    for (const wake of ofAddress.waiting.splice(0)) wake();
  }

  /**
   * Takes a place. Waits while all are taken.
   * @param placesOf the number of places now; undefined when the attempt must not be evaluated any more
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
