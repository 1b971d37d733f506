import type { Command } from 'commander';
import type { Context, Request } from './context.ts';
import { positive } from './values.ts';

/** How many entries of a long list a command prints. */
export type PageOptions = { limit: number; all?: boolean };

const LARGEST_PAGE = 1_000;
const DEFAULT_LIMIT = 100;

export const withPages = (command: Command): Command =>
  command
    .option('--limit <count>', 'at most so many', positive, DEFAULT_LIMIT)
    .option('--all', 'without a limit');

/**
 * Reads page after page.
 * @param name the property of a page that has the entries
 */
export async function readPages<Entry>(
  { request, output }: Context,
  name: string,
  query: Request['query'],
  path: string,
  { limit, all }: PageOptions,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | undefined;
  do {
    const left = all ? LARGEST_PAGE : Math.min(LARGEST_PAGE, limit - entries.length);
    const page: Record<string, unknown> = await request({
      method: 'GET',
      path,
      query: { ...query, limit: left, cursor },
    });
    entries.push(...(page[name] as Entry[]));
    cursor = page.next_cursor as string | undefined;
  } while (cursor !== undefined && (all || entries.length < limit));
  if (cursor !== undefined)
    output.note(`There are more ${name} than these ${entries.length}; use --all or --limit.`);
  return entries;
}
