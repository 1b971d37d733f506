import { existsSync } from 'node:fs';
import { assertOwner } from '../backup/backup.ts';
import { type PepperLoss, replaceLostPepper } from '../recovery/lost-pepper.ts';
import { openWithLostPepper } from '../storage.ts';
import type { Context } from './context.ts';
import { createNoteLogger } from './database-errors.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { asCommandError } from './refused.ts';
import { serviceConfig } from './service-config.ts';

/** @throws CommandError when the pepper fits the database, so that none is lost, or while a service uses the database */
export async function recoverPepper(context: Context): Promise<PepperLoss & { pepper: string }> {
  const config = serviceConfig(context);
  const { database } = config;
  if (database.engine === 'sqlite' && existsSync(database.path))
    await asCommandError(async () => assertOwner(database.path));
  const logger = createNoteLogger(context.output.note);
  const { from } = config.pepper;
  const pepper = config.pepper.from === 'file' ? config.pepper.path : 'KEYHEARTH_PEPPER';
  return openWithLostPepper(config, logger, async (found, databaseName) => {
    if (found.state === 'fits') {
      const source = from === 'file' ? `in ${pepper}` : `of ${pepper}`;
      throw new CommandError(
        `The pepper ${source} or the previous one fits the database. The database was not changed.`,
        EXIT.conflict,
      );
    }
    if (found.state === 'in_use')
      throw new CommandError(
        `Another process uses ${databaseName}; stop Keyhearth on all machines, and all commands that use the database. Nothing was changed.`,
        EXIT.conflict,
      );
    return { ...(await replaceLostPepper(found.db, found.check, Date.now())), pepper };
  });
}
