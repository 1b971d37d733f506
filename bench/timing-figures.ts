import type { Auc } from './auc.ts';

/** A guesser who does no better than this learns nothing of use. */
export const LOWEST = 0.45;
export const HIGHEST = 0.55;

export type TimingFigures = Auc & { pair: string; isWithin: boolean };

export const withBounds = (pair: string, auc: Auc): TimingFigures => ({
  pair,
  ...auc,
  isWithin: auc.auc >= LOWEST && auc.auc <= HIGHEST,
});

/** The kinds are measured in turn, so that what happens meanwhile concerns all of them. */
export function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, place: Math.random() }));
  return order.sort((a, b) => a.place - b.place).map(({ item }) => item);
}
