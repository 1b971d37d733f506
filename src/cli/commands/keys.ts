import type { Command } from 'commander';
import type { ApiKey, CreatedApiKey } from '../../client/types.ts';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { keyColumns, keyDetails } from '../format.ts';
import { type SettingOptions, settingsOf, withSettings } from '../key-settings.ts';
import { type PageOptions, readPages, withPages } from '../pages.ts';
import { table } from '../table.ts';
import { duration, positive, suggesting } from '../values.ts';

type ListOptions = PageOptions & Partial<Record<(typeof FILTERS)[number], string>> & { account?: string };

const FILTERS = ['label', 'owner', 'status', 'scope', 'source', 'prefix', 'sort'] as const;

const SORTS = ['created_at', 'last_used_at', 'expires_at'].flatMap((field) => [field, `-${field}`]);

const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;

/** Lists, makes and changes keys. */
export function addKeys(program: Command, context: Context): void {
  const { request, output } = context;
  const keys = program.command('keys').description('list, create, change and delete keys');
  const show = (key: ApiKey) => output.print(key, (paint) => keyDetails(key, paint));
  const ofOne = (name: string, description: string) =>
    keys.command(name).argument('<id>', 'the id of the key', positive).description(description);
  const pathOf = (id: number) => `auth/keys/${id}`;

  withPages(keys.command('list'))
    .description('list keys, the newest first')
    .option('--label <text>', 'a part of the label')
    .option('--owner <text>', 'a part of the owner')
    .addOption(suggesting('--status <status>', 'the state', ['active', 'inactive', 'expired']))
    .option('--scope <scope>', 'a scope in the list of the key')
    .addOption(
      suggesting('--source <source>', 'how it was made', ['registered', 'created', 'imported', 'config']),
    )
    .option('--prefix <prefix>', 'the beginning of the raw key')
    .option('--account <id>', 'the account that the keys belong to')
    .addOption(suggesting('--sort <field>', 'the order; with - in front, the largest first', SORTS))
    .addHelpText(
      'after',
      examples('keyhearth keys list --status expired', 'keyhearth keys list --all --json | jq ".[].label"'),
    )
    .action(async (options: ListOptions) => {
      const filter = Object.fromEntries(FILTERS.map((name) => [name, options[name]]));
      const query = { ...filter, account_id: options.account };
      const found = await readPages<ApiKey>(context, 'keys', query, 'auth/keys', options);
      output.print(found, (paint) => table(keyColumns, found, paint));
    });

  withSettings(keys.command('create'))
    .description('create a key, and print it once; without --scope, it can do what your key can')
    .option('--prefix <prefix>', 'the beginning of the raw key')
    .addHelpText(
      'after',
      examples(
        'keyhearth keys create --label backup --scope invoices:read --expires-in 90d',
        'KEY=$(keyhearth keys create --label backup --scope invoices:read)',
      ),
    )
    .action(async ({ prefix, ...options }: SettingOptions & { prefix?: string }) => {
      const body = { ...settingsOf(options), prefix };
      const key = await request<CreatedApiKey>({ method: 'POST', path: 'auth/keys', body });
      const scopes = key.scopes.join(' ') || 'none';
      await output.secret(
        key.raw_key,
        key,
        `Created the key ${key.id} with the scopes: ${scopes}. Store the raw key now, because Keyhearth cannot show it again.`,
        `The key ${key.id} exists, and nobody has it. Delete it with: keyhearth keys delete ${key.id}`,
      );
    });

  ofOne('show', 'show a key').action(async (id: number) =>
    show(await request<ApiKey>({ method: 'GET', path: pathOf(id) })),
  );

  withSettings(ofOne('update', 'change a key'))
    .option('--force', 'even if your own key then no longer works from your address')
    .addHelpText('after', examples('keyhearth keys update 2 --label backup --no-expiry'))
    .action(async (id: number, { force, ...options }: SettingOptions & { force?: boolean }) => {
      const settings = settingsOf(options);
      if (Object.keys(settings).length === 0)
        throw usageError('There is nothing to change; see keyhearth keys update --help.');
      show(await request<ApiKey>({ method: 'PATCH', path: pathOf(id), body: { ...settings, force } }));
    });

  ofOne('rotate', 'replace the secret of a key: make a successor, and print it once')
    .option(
      '--grace <duration>',
      'how long the old key stays valid, such as 24h; 0s by default: it is invalid at once',
      duration,
    )
    .addHelpText('after', examples('keyhearth keys rotate 2 --grace 24h'))
    .action(async (id: number, { grace }: { grace?: string }) => {
      const key = await request<CreatedApiKey>({
        method: 'POST',
        path: `${pathOf(id)}/rotate`,
        body: { grace },
      });
      const old = grace === undefined ? 'is invalid now' : `stays valid for ${grace}`;
      await output.secret(
        key.raw_key,
        key,
        `The key ${key.id} replaces the key ${id}, which ${old}. Store the raw key now, because Keyhearth cannot show it again.`,
        `The key ${key.id} replaces the key ${id}, which ${old}, and nobody has the new one. Replace it with: keyhearth keys rotate ${key.id}`,
      );
    });

  for (const [name, description] of [
    ['activate', 'make a key valid again'],
    ['deactivate', 'make a key invalid, at once'],
  ] as const) {
    ofOne(name, description).action(async (id: number) =>
      show(await request<ApiKey>({ method: 'POST', path: `${pathOf(id)}/${name}` })),
    );
  }

  ofOne('delete', 'delete a key; you cannot undo this')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('keyhearth keys delete 2', 'keyhearth keys delete 2 --yes'))
    .action(async (id: number, { yes }: { yes?: boolean }) => {
      await confirm(context, `Delete the key ${id}?`, yes);
      await request({ method: 'DELETE', path: pathOf(id) });
      output.done(`Deleted the key ${id}.`, { id });
    });
}
