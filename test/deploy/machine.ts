import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from '../support/root.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * A container with systemd, the programs of this machine, and a network of its own. What changes in it is in memory, and
 * gone with it. The checkout is at /checkout.
 */
const BOOT = `
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
install -m 755 "$1" "$0/root/usr/bin/node"
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe \
  --directory="$0/root" --bind-ro="$2:/checkout" --machine="keyhearth-$$" --boot systemd.unit=basic.target
`;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const BOOT_MS = 60_000;

export type Machine = {
  /** What commands print that root gives there. Fails when one of them fails. */
  run(commands: string): Promise<string>;
  stop(): Promise<void>;
};

/** Starts systemd, and returns when it takes commands. @returns undefined where no such container can run */
export async function bootMachine(): Promise<Machine | undefined> {
  if (!isRoot || spawnSync('systemd-nspawn', ['--version']).status !== 0) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'keyhearth-machine-'));
  const container = spawn('unshare', ['--mount', 'sh', '-euc', BOOT, directory, process.execPath, ROOT], {
    stdio: 'ignore',
  });
  const ended = once(container, 'exit');
  const isRunning = () => container.exitCode === null && container.signalCode === null;
  /** The process of systemd; 0 before there is one. */
  const leader = () =>
    isRunning()
      ? Number.parseInt(readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8'), 10) ||
        0
      : 0;

  async function inside(commands: string) {
    const child = spawn('nsenter', [
      ...[`--target=${leader()}`, '--mount', '--uts', '--ipc', '--pid', '--net', '--cgroup', '--wd=/root'],
      ...['env', '-i', `PATH=${PATH}`, 'HOME=/root', 'bash', '-euo', 'pipefail', '-s'],
    ]);
    // Too early, there is nothing to enter.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`sudo() { "$@"; }\n${commands}\n`);
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [status] = await once(child, 'close');
    const [stdout, stderr] = await output;
    return { status, stdout, stderr };
  }

  async function stop(): Promise<void> {
    const pid = leader() || container.pid;
    if (isRunning() && pid !== undefined) process.kill(pid, 'SIGKILL');
    await ended;
    // The mounts ended with the container.
    rmdirSync(directory);
  }

  const deadline = performance.now() + BOOT_MS;
  while (isRunning() && performance.now() < deadline) {
    await sleep(200);
    // Too early, it would be the systemd of this machine.
    const isBooted = 'test -d /checkout && systemctl is-active basic.target';
    if (leader() === 0 || (await inside(isBooted)).status !== 0) continue;
    return {
      stop,
      async run(commands) {
        const { status, stdout, stderr } = await inside(commands);
        if (status !== 0) throw new Error(`${commands}\n${stdout}${stderr}`);
        return stdout;
      },
    };
  }
  await stop();
  return undefined;
}
