import type { Command } from 'commander';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { list, time } from '../format.ts';
import { type Column, table } from '../table.ts';
import { collect, suggesting } from '../values.ts';
import { onDatabase } from '../without-service.ts';

type Account = {
  id: string;
  email: string;
  name: string;
  role: string;
  scopes: string[];
  is_approved: boolean;
  two_factor: boolean;
  last_sign_in_at: number | null;
};

type Invitation = { email: string; role: string; url: string; expires_at: number };

const columns: readonly Column<Account>[] = [
  { title: 'E-MAIL', of: ({ email }) => email },
  { title: 'NAME', of: ({ name }) => name },
  {
    title: 'ROLE',
    of: ({ role, is_approved }) => (is_approved ? role : 'not approved'),
    style: ({ is_approved }) => (is_approved ? undefined : 'yellow'),
  },
  { title: 'SCOPES', of: ({ scopes }) => list(scopes, '-') },
  { title: '2FA', of: ({ two_factor }) => (two_factor ? 'yes' : 'no') },
  { title: 'LAST SIGN-IN', of: ({ last_sign_in_at }) => time(last_sign_in_at, 'never') },
  { title: 'ID', of: ({ id }) => id },
];

/** Manages the accounts of people. */
export function addAccounts(program: Command, context: Context): void {
  const { request, output } = context;
  const accounts = program.command('accounts').description('list, invite and help people');
  const all = async () =>
    (await request<{ accounts: Account[] }>({ method: 'GET', path: 'auth/accounts' })).accounts;

  /** People know an e-mail address, and the API wants an id. */
  async function find(name: string): Promise<Account> {
    const account = (await all()).find(({ id, email }) => id === name || email === name.toLowerCase());
    if (!account)
      throw new CommandError(`There is no account ${name}; see keyhearth accounts list.`, EXIT.notFound);
    return account;
  }

  accounts
    .command('list')
    .description('list the accounts, the oldest first')
    .action(async () => {
      const found = await all();
      output.print(found, (paint) => table(columns, found, paint));
    });

  accounts
    .command('invite')
    .argument('<email>')
    .description('print a link with which a person sets up their account')
    .addOption(suggesting('--role <role>', 'what the person is', ['admin', 'member']).default('member'))
    .option('--scope <scope>', 'what the keys of a member may hold; can be repeated', collect)
    .addHelpText('after', '\nExample:\n  keyhearth accounts invite ops@example.com --scope invoices:read')
    .action(async (email: string, { role, scope }: { role: string; scope?: string[] }) => {
      const body = { email, role, ...(scope && { scopes: scope }) };
      const invitation = await request<Invitation>({ method: 'POST', path: 'auth/invitations', body });
      await output.secret(
        invitation.url,
        invitation,
        `Pass this link on to ${invitation.email}. It works once, until ${time(invitation.expires_at)}, and Keyhearth cannot show it again.`,
        'Nobody has the link of the invitation. Invite the person again.',
      );
    });

  onDatabase(accounts.command('reset-password'))
    .argument('<email>')
    .description(
      'print a new password, and end all sessions of the person; works on the database, without a key',
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service, which may run.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth accounts reset-password ops@example.com',
    )
    .action(async (email: string, { yes }: { yes?: boolean }) => {
      const { resetPassword } = await import('../reset-password.ts');
      await confirm(context, `Replace the password of ${email}, and end all their sessions?`, yes);
      const { password, ...reset } = await resetPassword(context, email);
      await output.secret(
        password,
        { email: reset.email, password },
        `Pass this password on to ${reset.email}, who changes it after the next sign-in. Keyhearth cannot show it again.`,
        `The old password of ${reset.email} is invalid, and nobody has the new one. Run the command again.`,
      );
    });

  accounts
    .command('disable-2fa')
    .argument('<account>', 'the e-mail address or the id')
    .description('remove the second factor of a person, and end all their sessions')
    .option('--yes', 'do not ask')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { id, email } = await find(name);
      await confirm(context, `Remove the second factor of ${email}, and end all their sessions?`, yes);
      await request({ method: 'DELETE', path: `auth/accounts/${encodeURIComponent(id)}/two-factor` });
      output.done(`${email} signs in without a second factor now. All their sessions have ended.`, {
        id,
        email,
      });
    });
}
