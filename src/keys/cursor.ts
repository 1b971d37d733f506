import { KeyId } from '../lib/brand.ts';

/** A page begins after a position: the last key of the previous page, by its place in the sort. */

const BY = ['created_at', 'last_used_at', 'expires_at'] as const;

export type SortedBy = (typeof BY)[number];

/** With "-" in front, the largest value comes first. */
export const SORTS = [...BY, ...BY.map((by) => `-${by}` as const)];

export type Sort = (typeof SORTS)[number];

export const DEFAULT_SORT: Sort = '-created_at';

export type Position = Readonly<{
  /** Milliseconds since 1970, or what stands for null in the sort. */
  value: number;
  id: KeyId;
}>;

export const formatCursor = (sort: Sort, { value, id }: Position): string =>
  Buffer.from(`${sort} ${value} ${id}`).toString('base64url');

/** @returns undefined when no page has this cursor */
export function parseCursor(text: string): { sort: Sort; position: Position } | undefined {
  const decoded = Buffer.from(text, 'base64url').toString();
  const [, name, value, id] = /^(-?[a-z_]+) (-1|\d{1,16}) ([1-9]\d{0,15})$/.exec(decoded) ?? [];
  const sort = SORTS.find((each) => each === name);
  if (sort === undefined) return undefined;
  const position = { value: Number(value), id: KeyId(Number(id)) };
  const isSafe = Number.isSafeInteger(position.value) && Number.isSafeInteger(position.id);
  return isSafe && formatCursor(sort, position) === text ? { sort, position } : undefined;
}
