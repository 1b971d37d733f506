import { api, body } from '../lib/api.ts';
import { isAdmin } from '../lib/session.ts';
import { useLoad } from '../lib/use-load.ts';

/** The e-mail address of an account. The id stands in its place when the account is deleted, or not to be read. */
export function AccountName({ id }: { id: string }) {
  const [{ value }] = useLoad(async () => (isAdmin() ? emailOf(id) : undefined), [id]);
  return value === undefined ? <code>{id}</code> : <bdi>{value}</bdi>;
}

const emailOf = async (id: string) => (await body(api.auth.accounts[':id'].$get({ param: { id } }))).email;
