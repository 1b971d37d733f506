import type { Command } from 'commander';
import { usageError } from '../exit-codes.ts';
import { onDatabase } from '../without-service.ts';

/** bin/keyhearth.js starts the service before it loads the command line. This command is here for its help. */
export function addServe(program: Command): void {
  onDatabase(program.command('serve'))
    .description('start the service, as npm start does; environment variables configure it')
    .addHelpText('after', '\nExample:\n  PORT=8800 KEYHEARTH_DATA_DIR=./data keyhearth serve')
    .action(() => {
      throw usageError('serve takes no options; write it first: keyhearth serve');
    });
}
