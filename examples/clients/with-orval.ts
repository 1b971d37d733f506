import {
  activateKey,
  createKey,
  deactivateKey,
  deleteKey,
  introspectKeys,
  listKeys,
  registerKey,
  rotateKey,
  updateKey,
} from './generated/orval.ts';

/** The life of a key, with the functions that orval generates. `status` says which answer it is. */

type Problem = { detail: string };

function isProblem(data: unknown): data is Problem {
  return typeof data === 'object' && data !== null && 'detail' in data && 'code' in data;
}

function refused({ data }: { data: unknown }): Error {
  return new Error(isProblem(data) ? data.detail : 'the answer is not from Keyhearth');
}

await registerKey({ api_key: process.env.KEYHEARTH_KEY ?? '', label: 'first' });
const created = await createKey({ label: 'shop', scopes: ['invoices:read'], expires_in: '1h' });
if (created.status !== 201) throw refused(created);
const { id, raw_key } = created.data;

async function codeOf(key: string): Promise<string> {
  const answer = await introspectKeys({ key, scope: ['invoices:read'] });
  if (answer.status !== 200) throw refused(answer);
  return 'code' in answer.data ? answer.data.code : 'several';
}

const codes = [await codeOf(raw_key)];
const updated = await updateKey(id, { label: 'shop 2' });
if (updated.status !== 200) throw refused(updated);
const deactivated = await deactivateKey(id);
if (deactivated.status !== 200) throw refused(deactivated);
codes.push(await codeOf(raw_key));
const activated = await activateKey(id);
if (activated.status !== 200) throw refused(activated);
const rotated = await rotateKey(id, { grace: '1m' });
if (rotated.status !== 201) throw refused(rotated);
codes.push(await codeOf(rotated.data.raw_key));
const page = await listKeys({ label: 'shop', sort: 'created_at' });
if (page.status !== 200) throw refused(page);
const labels = page.data.keys.map(({ label }) => label);
const deleted = await deleteKey(rotated.data.id);
codes.push(await codeOf(rotated.data.raw_key));
process.stdout.write(JSON.stringify({ codes, labels, deleted: deleted.status }));
