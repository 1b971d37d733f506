import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot } from '../support/root.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * A container with the programs of this machine, and a network of its own. What changes in it is in memory, and gone with
 * it. The checkout is at /checkout. The rest of the arguments is for systemd-nspawn.
 */
const CONTAINER = `
directory=$1 node=$2 checkout=$3
shift 3
mount -t tmpfs tmpfs "$directory"
mkdir "$directory/upper" "$directory/work" "$directory/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"
install -m 755 "$node" "$directory/root/usr/bin/node"
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  mkdir "$hierarchy/keyhearth-$$"
  echo $$ > "$hierarchy/keyhearth-$$/cgroup.procs"
done
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe \
  --directory="$directory/root" --bind-ro="$checkout:/checkout" --machine="keyhearth-$$" "$@"
`;

/** Ends with this process, and so do its mounts. */
const start = (directory: string, ...more: string[]) =>
  spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--mount', 'sh', '-euc', CONTAINER, 'sh'],
      ...[directory, process.execPath, ROOT, ...more],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );

/** What is left on this machine of an ended container. */
function removeTraces(directory: string, pid: number | undefined): void {
  rmdirSync(directory);
  const groups = ['systemd', 'unified', '.'].map((name) => `/sys/fs/cgroup/${name}/keyhearth-${pid}`);
  for (const group of groups.filter((path) => existsSync(path)))
    execFileSync('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']);
}

const newDirectory = () => mkdtempSync(join(tmpdir(), 'keyhearth-machine-'));

/** Whether such a container can run here. It needs root, systemd-nspawn, and the right to mount. */
export async function canRunContainers(): Promise<boolean> {
  if (!isRoot || spawnSync('systemd-nspawn', ['--version']).status !== 0) return false;
  const directory = newDirectory();
  const container = start(directory, '/bin/true');
  const [status] = await once(container, 'exit');
  removeTraces(directory, container.pid);
  return status === 0;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Machine = {
  /** What commands print that root gives there, in its home. Fails when one of them fails. */
  run(commands: string): Promise<string>;
  stop(): Promise<void>;
};

/** Starts systemd in a container, and returns when it takes commands. */
export async function bootMachine(): Promise<Machine> {
  const directory = newDirectory();
  const container = start(directory, '--boot', 'systemd.unit=basic.target');
  const console = Promise.all([text(container.stdout), text(container.stderr)]);
  const ended = once(container, 'exit');
  const isRunning = () => container.exitCode === null && container.signalCode === null;

  /** The process that is systemd, or will be; undefined before it is apart from this machine. */
  function leader(): string | undefined {
    if (!isRunning()) return undefined;
    const children = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').split(' ');
    return children.find((pid) => pid !== '' && isApart(pid));
  }

  async function inside(commands: string) {
    const child = spawn('nsenter', [
      ...[`--target=${leader()}`, '--mount', '--uts', '--ipc', '--pid', '--net', '--cgroup', '--wdns=/root'],
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
    const pid = Number(leader() ?? container.pid);
    if (isRunning()) process.kill(pid, 'SIGKILL');
    await ended;
    removeTraces(directory, container.pid);
  }

  while (isRunning()) {
    await sleep(200);
    if (leader() === undefined) continue;
    const isBooted = 'test -d /checkout && systemctl is-active basic.target';
    if ((await inside(isBooted)).status !== 0) continue;
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
  throw new Error(`systemd ended before it took commands:\n${(await console).join('')}`);
}

/** Whether a process sees other processes than this one does. */
function isApart(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync('/proc/self/ns/pid');
  } catch {
    return false;
  }
}
