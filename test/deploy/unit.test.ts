import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, runnerOf } from '../docs/blocks.ts';
import { type Pem, selfSigned } from '../support/certificate.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { productionPackages } from '../support/production-packages.ts';
import { bootMachine, canRunContainers, type Machine } from './machine.ts';

/** Runs the commands of docs/systemd.md and docs/unix-socket.md on a machine with systemd. */
const commandsOf = (page: string) =>
  blocksOf(page).flatMap((block) => (runnerOf(block) === 'test/deploy/unit.test.ts' ? block.text : []));

const [copy, set, install, operate = '', restore = '', useTls = '', useGateway, ...others] =
  commandsOf('docs/systemd.md');
const [addSocket, startSocket, ...more] = commandsOf('docs/unix-socket.md');

/** The machine has no network, so npm copies the packages of the checkout. */
const NPM = `npm() {
  [ "$1" = ci ] || return 0
  for package in ${productionPackages()
    .map(({ path }) => path)
    .join(' ')}; do
    mkdir -p "$(dirname "$package")"
    cp -r "/checkout/$package" "$package"
  done
}`;

const IMPORTED_KEY = 'a-key-of-another-program-that-an-import-takes';

const until = (condition: string) =>
  `(for i in $(seq 600); do
    if ${condition}; then exit 0; fi
    sleep 0.2
  done
  journalctl -u keyhearth -o cat -n 20
  exit 1)`;

const untilServed = (origin: string) => until(`curl -skf -o /dev/null ${origin}/health`);
const HTTP = 'http://127.0.0.1:8800';
const HTTPS = 'https://127.0.0.1:8800';

const statusOf = (key: string) =>
  `curl -s -o /dev/null -w '%{http_code}\\n' -H 'X-API-Key: ${key}' ${HTTP}/auth/verify`;

const saved = ({ cert, key }: Pem) => `cat > fullchain.pem <<'PEM'\n${cert}PEM
cat > privkey.pem <<'PEM'\n${key}PEM`;

const RELOADS = `journalctl -u keyhearth -o cat | grep -c 'the certificate was reloaded' || true`;

test('all commands of the pages are used here', () => {
  expect([useGateway, startSocket]).not.toContain(undefined);
  expect([...others, ...more]).toEqual([]);
});

describe.skipIf(!(await canRunContainers()))(
  'on a machine with systemd (needs root and systemd-nspawn)',
  () => {
    let machine: Machine;
    let recovered = '';
    beforeAll(async () => {
      machine = await bootMachine();
      return () => machine.stop();
    });
    const run = (commands: string) => machine.run(commands);

    test('commands are apart from this machine', async () => {
      const file = `/root/keyhearth-${randomUUID()}`;
      await run(`touch ${file} "$(basename ${file})-here"`);
      await run(`test -e "${file}-here"`);
      expect([file, `${file}-here`].filter((path) => existsSync(path))).toEqual([]);
    });

    test('the unit serves, as a user of its own', async () => {
      await run(`cd /checkout\n${NPM}\n${copy}`);
      await run(`${set}\n${install}\n${untilServed(HTTP)}`);
      await run(
        `curl -sf -H 'Content-Type: application/json' -d '{"api_key": "${FIRST_KEY}"}' ${HTTP}/auth/register-key`,
      );
      expect(await run('ps -o user= -p "$(systemctl show -P MainPID keyhearth)"')).toBe('keyhearth\n');
      expect(await run("stat -c '%a %U' /var/lib/private/keyhearth/*")).toMatch(/^(600 keyhearth\n){4,}$/);
    });

    test('as-keyhearth runs commands while the unit serves', async () => {
      const output = await run(
        `printf 'key,label\\n${IMPORTED_KEY},imported\\n' > keys.csv\n${operate}\necho "the new key: $KEY"`,
      );
      expect(output).toContain('Doctor found nothing.');
      expect(output).toMatch(/^IMPORTED .*\n1 /m);
      [, recovered = ''] = /^the new key: (kh_\w+)$/m.exec(output) ?? [];
      expect(await run(`${statusOf(recovered)}\n${statusOf(IMPORTED_KEY)}`)).toBe('200\n200\n');
    });

    test('a backup from elsewhere takes the place of the database', async () => {
      await run('mv /var/lib/private/keyhearth-backup/*.db keyhearth.db');
      // Nobody is there to answer the question.
      await run(restore.replace('as-keyhearth restore', 'as-keyhearth restore --yes'));
      await run(untilServed(HTTP));
      expect(await run(`${statusOf(FIRST_KEY)}\n${statusOf(recovered)}`)).toBe('200\n401\n');
    });

    test('systemd starts it again when it is killed', async () => {
      const restarts = '"$(systemctl show -P NRestarts keyhearth)"';
      await run(
        `systemctl kill --signal=KILL keyhearth\n${until(`[ ${restarts} = 1 ]`)}\n${untilServed(HTTP)}`,
      );
    });

    test('with TLS, a renewed certificate is used without a restart, and the doctor can read it', async () => {
      await run(`${saved(selfSigned('first'))}\n${useTls}\n${untilServed(HTTPS)}`);
      expect(await run(RELOADS)).toBe('0\n');
      const [renew] = useTls.split('\n').filter((line) => line.startsWith('sudo install -m 640'));
      await run(`${saved(selfSigned('second'))}\n${renew}`);
      await run(until(`[ "$(${RELOADS})" = 1 ]`));
      expect(await run(`curl -skv ${HTTPS}/health 2>&1 | grep -o 'CN=.*'`)).toContain('CN=second');
      expect(await run('as-keyhearth doctor')).toBe('Doctor found nothing.\n');
    });

    test('with the gateway, its file is read from a directory of its user', async () => {
      await run(`sed 's#^auth-dir:.*#auth-dir: /var/lib/keyhearth-gateway/auth#' /checkout/deploy/gateway/config.yaml \
      > config.yaml\n${useGateway}`);
      const models = `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8317/v1/models`;
      await run(until(`[ "$(${models})" = 401 ]`));
    });

    test('with a socket of systemd, nobody is refused while the unit restarts', async () => {
      await run(`${addSocket}\n${startSocket}\n${untilServed(HTTPS)}`);
      const ask = `curl -sk -o /dev/null -w '%{http_code}\\n' ${HTTPS}/health`;
      const statuses = await run(
        `(for i in $(seq 300); do ${ask}; done | sort | uniq -c > statuses) &
       for i in 1 2; do sleep 1; systemctl restart keyhearth; done
       wait
       cat statuses`,
      );
      expect(statuses.trim()).toBe('300 200');
    });

    test('it stops in good order', async () => {
      await run('systemctl stop keyhearth.socket keyhearth');
      expect(
        await run('systemctl show -P Result keyhearth; systemctl show -P ExecMainStatus keyhearth'),
      ).toBe('success\n0\n');
      expect(await run('journalctl -u keyhearth -o cat -n 20')).toContain('"msg":"stopped"');
    });
  },
);
