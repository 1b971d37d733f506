import { execFileSync } from 'node:child_process';
import { chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startCluster } from '../../deploy/cluster/cluster.ts';
import { COMPILED } from '../support/compiled.ts';
import { query } from '../support/postgres.ts';

/** A certificate that vouches for itself, for one address. */
function makeCertificate(directory: string, address: string): { key: string; certificate: string } {
  const key = join(directory, `${address}.key`);
  const certificate = join(directory, `${address}.pem`);
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

test('a connection is encrypted and the server proved, as the URL asks for; else there is none', async () => {
  const cluster = await startCluster(0, COMPILED, { fsync: 'off' });
  onTestFinished(() => cluster.stop());
  const { postgres, startReplica } = cluster;
  const directory = postgres.directory;
  const own = makeCertificate(directory, '127.0.0.1');
  const foreign = makeCertificate(directory, '192.0.2.1');
  const { uid, gid } = statSync(join(directory, 'data'));
  for (const { key } of [own, foreign]) chownSync(key, uid, gid);

  async function present({ key, certificate }: typeof own): Promise<void> {
    await query(postgres.url, `alter system set ssl_key_file = '${key}'`);
    await query(postgres.url, `alter system set ssl_cert_file = '${certificate}'`);
    await query(postgres.url, 'alter system set ssl = on');
    await query(postgres.url, 'select pg_reload_conf()');
    await expect.poll(() => query(postgres.url, 'show ssl')).toEqual([{ ssl: 'on' }]);
  }
  const asking = (parameters: string) => ({ DATABASE_URL: `${postgres.url}?${parameters}` });
  const refusal = (parameters: string) =>
    startReplica(asking(parameters)).then(
      () => 'it serves',
      (error: Error) => error.message,
    );

  await present(own);
  await startReplica(asking(`sslmode=verify-full&sslrootcert=${own.certificate}`));
  const connections = await query(
    postgres.url,
    "select bool_and(ssl) as all_encrypted, count(*) > 1 as several from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'keyhearth' and pid <> pg_backend_pid() and query <> ''",
  );
  expect(connections).toEqual([{ all_encrypted: true, several: true }]);
  expect(await refusal('sslmode=verify-full')).toMatch(/Cannot use the database .*self-signed certificate/);
  expect(await refusal('sslmode=verify-full&sslrootcert=/no/such/file.pem')).toMatch(
    /Cannot use the database .*ENOENT.*\/no\/such\/file\.pem/,
  );
  await present(foreign);
  expect(await refusal(`sslmode=verify-full&sslrootcert=${foreign.certificate}`)).toMatch(
    /Cannot use the database .*(altnames|does not match)/,
  );
});

test('a server without TLS is refused by who asks for it', async () => {
  const cluster = await startCluster(0, COMPILED, { fsync: 'off' });
  onTestFinished(() => cluster.stop());
  const { postgres, startReplica } = cluster;
  await expect(startReplica({ DATABASE_URL: `${postgres.url}?sslmode=verify-full` })).rejects.toThrow(
    /Cannot use the database .*does not support SSL/,
  );
});
