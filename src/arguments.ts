import { product } from './lib/product.ts';

/** What the program writes in place of a start: to standard output when the exit code is 0, else to standard error. */
export type Answer = Readonly<{ text: string; exitCode: 0 | 2 }>;

const HELP = `Keyhearth ${product.version}: ${product.description}

Usage: npm start [-- --help | --version]
       keyhearth serve [--help | --version], where npm has installed the package

There are no other arguments. You configure Keyhearth with environment variables:

  PORT=8800 KEYHEARTH_DATA_DIR=./data npm start

docs/configuration.md lists all variables.
`;

/** Answers the arguments of the command line. Undefined without any: then the service starts. */
export function answerArguments(args: readonly string[]): Answer | undefined {
  if (args.length === 0) return undefined;
  if (args.some((arg) => arg === '--help' || arg === '-h')) return { text: HELP, exitCode: 0 };
  const unknown = args.find((arg) => arg !== '--version');
  if (unknown === undefined) return { text: `${product.version}\n`, exitCode: 0 };
  // The message names the option only, because its value may be secret.
  const [argument = 'such argument'] = /^--?[a-z][a-z-]*/i.exec(unknown) ?? [];
  return {
    text: `keyhearth: There is no ${argument}; set environment variables instead, for example PORT=8800, or see --help.\n`,
    exitCode: 2,
  };
}
