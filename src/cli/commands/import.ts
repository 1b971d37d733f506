import { type Command, InvalidArgumentError, Option } from 'commander';
import { FIELDS, SETTING_FIELDS } from '../../import/field-list.ts';
import type { Context } from '../context.ts';
import { collect } from '../values.ts';
import { onDatabase } from '../without-service.ts';

type Common = { dryRun?: true };
type KeysOptions = Common & {
  format?: 'jsonl' | 'csv';
  scope?: string[];
  field?: ReadonlyMap<string, string>;
  ignoreUnknown?: true;
};

const OFFLINE = `
It works on the database, without a key and without requests. It reads the same environment variables as the service,
which may run. You can repeat it: keys that are there already stay as they are. The exit code is 7 when keys are refused.
`;

/** Takes the keys of another system. Their clients notice nothing. */
export function addImport(program: Command, context: Context): void {
  const command = onDatabase(program.command('import')).description('take the keys of another system');

  const add = (name: string, description: string, more: string): Command =>
    command
      .command(name)
      .description(description)
      .option('--dry-run', 'check everything, and change nothing')
      .addHelpText('after', `${OFFLINE}${more}`);

  add(
    'proxbox <file>',
    'take the keys of a database of proxbox-api, which may run',
    `
They can do everything, as they could there. At most 64 keys can wait for their first use.

Example:
  keyhearth import proxbox /opt/proxbox-api/database.db --dry-run`,
  ).action(async (file: string, { dryRun }: Common) => {
    const { importProxbox } = await import('../run-import.ts');
    await importProxbox(context, file, dryRun === true);
  });

  add(
    'cli-proxy <file>',
    'take the client keys of a config.yaml of CLI Proxy API',
    `
They can use the gateway, and the file no longer decides about them.

Example:
  keyhearth import cli-proxy ~/cli-proxy-api/config.yaml --dry-run`,
  ).action(async (file: string, { dryRun }: Common) => {
    const { importCliProxy } = await import('../run-import.ts');
    await importCliProxy(context, file, dryRun === true);
  });

  add(
    'keys <file>',
    'take the keys of a file of JSON Lines or CSV; - is standard input',
    `
Each line has one of key, sha256 and bcrypt, and any of
${SETTING_FIELDS.join(', ')}.

Examples:
  keyhearth import keys keys.jsonl --dry-run
  keyhearth import keys export.csv --field sha256=token --field label=name --ignore-unknown
  psql -c "copy (select token as sha256 from keys) to stdout csv header" | keyhearth import keys - --format csv`,
  )
    .addOption(new Option('--format <format>', 'the format of the file').choices(['jsonl', 'csv']))
    .option('--scope <scope>', 'what a key may do whose line has no scopes; can be repeated', collect)
    .option('--field <ours=theirs>', 'the name that the file has for a field; can be repeated', fieldNames)
    .option('--ignore-unknown', 'leave out fields that are not known')
    .action(async (file: string, options: KeysOptions) => {
      const { importKeysFile } = await import('../run-import.ts');
      await importKeysFile(context, file, {
        format: options.format,
        scopes: options.scope ?? [],
        fields: options.field ?? new Map(),
        ignoresUnknown: options.ignoreUnknown === true,
        isDryRun: options.dryRun === true,
      });
    });
}

function fieldNames(text: string, before: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const { ours = '', theirs = '' } = /^(?<ours>\w+)=(?<theirs>.+)$/.exec(text)?.groups ?? {};
  if (!FIELDS.includes(ours))
    throw new InvalidArgumentError(
      `It must have the form OURS=THEIRS, such as sha256=token. Ours is one of ${FIELDS.join(', ')}.`,
    );
  return new Map(before).set(ours, theirs);
}
