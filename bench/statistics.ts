/** Of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * How many times as much as the other. The two of each round were measured one soon after the other, so a machine that
 * gets slower meanwhile does not show in their quotient.
 */
export const medianRatio = (ones: readonly number[], others: readonly number[]) =>
  median(ratios(ones, others));

export function ratios(ones: readonly number[], others: readonly number[]): number[] {
  if (ones.length !== others.length)
    throw new Error('a ratio needs as many rounds of the one as of the other');
  return ones.map((one, round) => one / (others[round] ?? Number.NaN));
}
