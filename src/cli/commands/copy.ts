import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { DatabaseLocation } from '../../db/location.ts';
import { StartupError } from '../../lib/startup-error.ts';
import type { Context, Environment } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { asCommandError } from '../refused.ts';
import { table } from '../table.ts';
import { onDatabase } from '../without-service.ts';

const HELP = `
Each database is the path of an SQLite file, a URL postgres://user@host/database, or env:NAME for a variable that holds
one of these. A URL with a password must come from a variable, because other users of the machine can read arguments.
Stop Keyhearth first. After an interruption, run the same command again: it continues.

Example:
  keyhearth copy /var/lib/keyhearth/keyhearth.db env:DATABASE_URL`;

/** Moves to another database engine, or back. */
export function addCopy(program: Command, { env, output }: Context): void {
  onDatabase(program.command('copy <from> <to>'))
    .description(
      'copy a whole database into an empty one, such as SQLite into PostgreSQL; stop the service first',
    )
    .addHelpText('after', HELP)
    .action(async (from: string, to: string) => {
      const { createNoteLogger } = await import('../database-errors.ts');
      const { copyDatabase } = await import('../../copy/copy.ts');
      const { displayName } = await import('../../db/location.ts');
      const logger = createNoteLogger(output.note);
      const parts = { from: await locationOf(from, env), to: await locationOf(to, env), logger };
      const copied = await asCommandError(() =>
        output.withProgress(
          (report) => naming('the URL of the database', () => copyDatabase({ ...parts, report })),
          'Interrupted. Run the same command again: it continues.',
        ),
      );
      if (copied.isContinued) output.note('An interrupted copy was continued.');
      const columns = (['table', 'rows', 'digest'] as const).map((name) => ({
        title: name.toUpperCase(),
        of: (row: (typeof copied.tables)[number]) => row[name],
      }));
      output.print({ database_id: copied.databaseId, tables: copied.tables }, (paint) =>
        table(columns, copied.tables, paint),
      );
      output.note(
        `The copy is complete, and equal to its source: ${displayName(parts.to)}. Run Keyhearth on one of the two alone.`,
      );
    });
}

async function locationOf(text: string, env: Environment): Promise<DatabaseLocation> {
  const { parseConfig } = await import('../../config.ts');
  const name = /^env:(.+)$/.exec(text)?.[1];
  const value = name === undefined ? text : env[name];
  if (value === undefined) throw usageError(`The variable ${name} is not set.`);
  if (name === undefined && env[text] !== undefined)
    throw usageError(`${text} is the name of a variable; write env:${text}, or ./${text} for a file.`);
  // A file with such a name would be a surprise, and a secret URL would not be used.
  if (name === undefined && /^\$|^[A-Z][A-Z0-9_]*$/.test(text) && !existsSync(text))
    throw usageError(
      `There is no file ${text}; for a variable, write env:${text.replace(/^\$/, '')}, and export it.`,
    );
  const isUrl = /^sqlite:|^[a-z][a-z0-9+.-]*:\/\//i.test(value);
  if (name === undefined && isUrl && hasPassword(value))
    throw usageError(
      'A URL with a password is never an argument, because other users of the machine can read arguments. Put it into a variable, and give its name as env:NAME.',
    );
  if (!isUrl && statSync(value, { throwIfNoEntry: false })?.isDirectory())
    throw usageError(`${value} is a directory; name a file, such as ${join(value, 'keyhearth.db')}.`);
  const url = isUrl ? value : `sqlite:${value}`;
  return naming(name ?? 'the URL', async () => parseConfig({ DATABASE_URL: url }).database);
}

/** An error names what was given here, in place of the variable that the service reads. */
async function naming<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StartupError) throw new StartupError(error.message.replaceAll('DATABASE_URL', name));
    throw error;
  }
}

function hasPassword(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.password !== '' || url.searchParams.has('password'));
}
