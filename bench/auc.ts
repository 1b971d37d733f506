/** How well one measurement tells two kinds of samples apart. */
export type Auc = {
  /** The probability that a sample of the one kind is larger than a sample of the other: 0.5 tells nothing. */
  auc: number;
  /** The 95% confidence interval. */
  low: number;
  high: number;
};

const Z_95 = 1.96;

/**
 * The area under the ROC curve, with the confidence interval of DeLong, DeLong and Clarke-Pearson (1988).
 * @throws Error for fewer than two samples of a kind
 */
export function aucOf(ones: readonly number[], others: readonly number[]): Auc {
  if (ones.length < 2 || others.length < 2) throw new Error('an AUC needs two samples of each kind');
  const shareBelow = placements(ones, others);
  const shareAbove = placements(others, ones).map((share) => 1 - share);
  const auc = mean(shareBelow);
  const error = Z_95 * Math.sqrt(variance(shareBelow) / ones.length + variance(shareAbove) / others.length);
  return { auc, low: auc - error, high: auc + error };
}

/** For each sample, the share of the others that are smaller. An equal one counts for a half. */
function placements(samples: readonly number[], others: readonly number[]): number[] {
  const sorted = Float64Array.from(others).sort();
  return samples.map(
    (sample) => (countBelow(sorted, sample) + countUpTo(sorted, sample)) / 2 / sorted.length,
  );
}

const countBelow = (sorted: Float64Array, limit: number) => countWhile(sorted, (value) => value < limit);

const countUpTo = (sorted: Float64Array, limit: number) => countWhile(sorted, (value) => value <= limit);

/** How many values at the beginning fulfil a condition that no later one does, by halving. */
function countWhile(sorted: Float64Array, holds: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle] ?? Number.NaN)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function variance(values: readonly number[]): number {
  const average = mean(values);
  return values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1);
}
