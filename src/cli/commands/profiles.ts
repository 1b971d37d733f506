import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { table } from '../table.ts';
import { onOwnFiles } from '../without-service.ts';

/** Profiles keep the URL and the key of a service. */
export function addProfiles(program: Command, context: Context): void {
  const { env, input, output } = context;
  const profiles = program.command('profiles').description('save where Keyhearth answers, and a key for it');

  onOwnFiles(profiles.command('list'))
    .description('list the profiles, without their keys')
    .action(async () => {
      const { readProfiles } = await import('../profiles.ts');
      const rows = Object.entries(readProfiles(env)).map(([name, { url, key }]) => ({
        name,
        url,
        has_key: key !== undefined,
      }));
      const columns = [
        { title: 'NAME', of: ({ name }: (typeof rows)[number]) => name },
        { title: 'URL', of: ({ url }: (typeof rows)[number]) => url },
        { title: 'KEY', of: ({ has_key }: (typeof rows)[number]) => (has_key ? 'saved' : 'none') },
      ];
      output.print(rows, (paint) => table(columns, rows, paint));
    });

  profiles
    .command('set')
    .argument('<name>', 'default is used where no profile is named')
    .description('add or replace a profile, with --url and the key of --key-file or KEYHEARTH_KEY')
    .addHelpText(
      'after',
      '\nExample:\n  keyhearth profiles set default --url https://keys.example.com --key-file -',
    )
    .action(async (name: string) => {
      const { baseOf, readKey } = await import('../connection.ts');
      const { readProfiles, writeProfile } = await import('../profiles.ts');
      const { url = env.KEYHEARTH_URL, keyFile } = context.options();
      if (!url) throw usageError('A profile needs a URL; use --url.');
      const key = keyFile === undefined ? env.KEYHEARTH_KEY || undefined : await readKey(keyFile, input);
      if (key === undefined && readProfiles(env)[name]?.key !== undefined)
        throw usageError(
          `The profile ${name} has a key, which would be lost; add --key-file, or first run: keyhearth profiles remove ${name}`,
        );
      const saved = { url: baseOf(url).href, ...(key !== undefined && { key }) };
      writeProfile(env, name, saved);
      const withKey =
        key === undefined ? 'without a key: set KEYHEARTH_KEY, or use --key-file' : 'with its key';
      output.done(`Saved the profile ${name} for ${saved.url}, ${withKey}.`, {
        name,
        url: saved.url,
        has_key: key !== undefined,
      });
    });

  onOwnFiles(profiles.command('remove'))
    .argument('<name>')
    .description('remove a profile and its key')
    .action(async (name: string) => {
      const { readProfiles, writeProfile } = await import('../profiles.ts');
      if (!Object.hasOwn(readProfiles(env), name)) throw usageError(`There is no profile ${name}.`);
      writeProfile(env, name, undefined);
      output.done(`Removed the profile ${name}.`, { name });
    });
}
