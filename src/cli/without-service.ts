import { type Command, Help } from 'commander';
import { usageError } from './exit-codes.ts';

/** They say where a service answers, and which key it gets. */
const OF_CONNECTIONS = ['url', 'profile', 'keyFile'];

/**
 * A command that works on a database, and so do its subcommands. It refuses the options for a service: a person who gives
 * one must not change another database by mistake.
 */
export const onDatabase = (command: Command): Command =>
  withoutService(command, 'works on the database, without a service');

/** A command that uses files of the person who runs it, or none. Options that have no effect would be misleading. */
export const onOwnFiles = (command: Command): Command => withoutService(command, 'asks no service');

const withoutService = (command: Command, why: string): Command =>
  command
    .configureHelp({
      ...command.configureHelp(),
      visibleGlobalOptions(of) {
        const options = Help.prototype.visibleGlobalOptions.call(this, of);
        return options.filter((option) => !OF_CONNECTIONS.includes(option.attributeName()));
      },
    })
    .hook('preAction', (_, called) => {
      const given = rootOf(called).options.find(
        (option) =>
          OF_CONNECTIONS.includes(option.attributeName()) &&
          called.getOptionValueSourceWithGlobals(option.attributeName()) === 'cli',
      );
      if (given)
        throw usageError(`${nameOf(called)} ${why}, so ${given.long} has no meaning here; remove it.`);
    });

const rootOf = (command: Command): Command => (command.parent ? rootOf(command.parent) : command);

/** Without the name of the program, such as `import keys`. */
const nameOf = (command: Command): string =>
  command.parent?.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
