import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { isInstalled, product } from '../lib/product.ts';
import { StartupError } from '../lib/startup-error.ts';
import { addAccounts } from './commands/accounts.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup } from './commands/backup.ts';
import { addCompletion } from './commands/completion.ts';
import { addCopy } from './commands/copy.ts';
import { addDoctor } from './commands/doctor.ts';
import { addImport } from './commands/import.ts';
import { addKeys } from './commands/keys.ts';
import { addLockouts } from './commands/lockouts.ts';
import { addMigrate } from './commands/migrate.ts';
import { addProfiles } from './commands/profiles.ts';
import { addRecover } from './commands/recover.ts';
import { addServe } from './commands/serve.ts';
import { addUsage } from './commands/usage.ts';
import type { Context, Environment, GlobalOptions, Input, Interrupts } from './context.ts';
import { CommandError, EXIT, type ExitCode } from './exit-codes.ts';
import { createOutput, type Stream } from './output.ts';
import { visibleLines } from './text.ts';

/** What a process gives to its program. */
export type Parts = {
  env: Environment;
  input: Input;
  onInterrupt: Interrupts;
  stdout: Stream;
  stderr: Stream;
};

const OVERVIEW = `
Examples:
  keyhearth serve                             start the service
  keyhearth keys create --label backup        print a new key
  keyhearth keys list --json                  for scripts

The key comes from KEYHEARTH_KEY, --key-file or a profile, never from an argument.
docs/cli.md explains all commands and exit codes.`;

/** In a package that npm has installed, this file is one level deeper. */
const DOCS = join(import.meta.dirname, isInstalled ? '../../../docs' : '../../docs');

/** Messages name pages. An image for containers has none. */
const overview = () => (existsSync(DOCS) ? `${OVERVIEW} The folder docs is ${DOCS}` : OVERVIEW);

/** Builds the program with all its commands. */
export function createProgram(parts: Parts): Command {
  const program = new Command('keyhearth');
  const options = () => program.opts<GlobalOptions>();
  const output = createOutput(parts, () => options().json === true);
  const context: Context = {
    ...parts,
    output,
    options,
    async request<Data>(request: Parameters<Context['request']>[0]) {
      const { connect } = await import('./connection.ts');
      const send = await connect({ ...parts, options: options(), warn: output.note });
      return (await send(request)) as Data;
    },
  };

  program
    .description(product.description)
    .version(product.version)
    .addOption(
      new Option('--url <url>', 'where Keyhearth answers, with http:// or https://; also KEYHEARTH_URL'),
    )
    .addOption(new Option('--profile <name>', 'a saved URL and key; also KEYHEARTH_PROFILE'))
    .addOption(new Option('--key-file <file>', 'a file with the key; - is standard input'))
    .addOption(new Option('--json', 'print one JSON value'))
    .addHelpText('after', overview)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => parts.stdout.write(text),
      writeErr: (text) => parts.stderr.write(text),
      outputError: (text, write) => write(`keyhearth: ${withoutValues(text)}`),
    })
    .configureHelp({ showGlobalOptions: true });

  addServe(program);
  const online = [addKeys, addLockouts, addAudit, addUsage, addAccounts, addProfiles];
  const offline = [addRecover, addMigrate, addImport, addBackup, addCopy, addDoctor];
  for (const add of [...online, ...offline, addCompletion]) add(program, context);
  leadToHelp(program, 'keyhearth');
  return program;
}

/** An error about a command leads to the help of that command. */
function leadToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`See ${name} --help.`);
  for (const inner of command.commands) leadToHelp(inner, `${name} ${inner.name()}`);
}

/** An error names an option only, because its value may be secret. */
function withoutValues(text: string): string {
  if (/unknown option '--(?:api-?)?key\b/.test(text))
    return 'A key is never an argument, because other users of the machine can read arguments. Set KEYHEARTH_KEY, or use --key-file.\n';
  const sentence = text
    .replace(/^error: /, '')
    .replace(/(unknown option '(?:--[\w-]*|-\w))[^']*'/, "$1'")
    .replace(/(too many arguments[^.]*\. Expected \d+ arguments? but got \d+): .*$/s, '$1.\n')
    .replace(/^command-argument value '.*' is invalid for (argument '[^']*')/s, '$1 is invalid')
    .replace(/(option '[^']*' argument) '.*' is invalid/s, '$1 is invalid');
  return visibleLines(sentence);
}

/** Runs a command. @returns the exit code */
export async function run(args: readonly string[], parts: Parts): Promise<ExitCode> {
  try {
    await createProgram(parts).parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const isExpected = error instanceof CommandError || error instanceof StartupError;
    const text = isExpected ? error.message : `unexpected error\n${(error as Error)?.stack ?? error}`;
    parts.stderr.write(`keyhearth: ${visibleLines(text)}\n`);
    return error instanceof CommandError ? error.exitCode : EXIT.failed;
  }
}
