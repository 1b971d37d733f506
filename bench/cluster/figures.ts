import { startCluster } from '../../deploy/cluster/cluster.ts';
import type { Counts } from '../counts.ts';
import { killDatabase, killReplicas, type Losses } from './crash.ts';
import { type Revocations, revoke, stopListeners, terminateListeners } from './revocation.ts';
import { type Storm, terminateConnections } from './storm.ts';
import { caller, register } from './traffic.ts';

/** Each revocation of replicas that hear nothing is watched for longer than anything could still be remembered. */
const WATCH_MS = 2_500;

export type ClusterFigures = {
  cacheOff: Revocations;
  healthy: Revocations;
  terminated: Revocations;
  stopped: Revocations;
  storm: Storm;
  replicas: Losses;
  database: Losses;
};

/** What three replicas on one PostgreSQL do when keys are revoked, and when a part of them ends. */
export async function measureCluster(
  counts: Counts,
  progress: (line: string) => void,
): Promise<ClusterFigures> {
  const open = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_BCRYPT_COST: '10' };
  const cluster = await startCluster(3, open);
  const cached = await startCluster(3, { ...open, KEYHEARTH_CACHE: 'on' });
  for (const { replicas } of [cluster, cached]) await register(caller(replicas[0]?.origin ?? ''));
  const { url } = cached.postgres;
  let resume: () => void = () => undefined;
  try {
    progress('cluster: revocations');
    const cacheOff = await revoke(cluster, counts.revocations);
    progress('cluster: revocations, cached');
    const healthy = await revoke(cached, counts.revocationsCached);
    progress('cluster: revocations, cached, listeners terminated');
    const terminated = await revoke(cached, counts.revocationsDeaf, WATCH_MS, () => terminateListeners(url));
    progress('cluster: revocations, cached, listeners stopped');
    const stopped = await revoke(cached, counts.revocationsDeaf, WATCH_MS, async () => {
      resume();
      resume = await stopListeners(url);
    });
    resume();
    progress('cluster: connections terminated');
    const storm = await terminateConnections(cluster, counts.stormSeconds);
    progress('cluster: replicas killed');
    const replicas = await killReplicas(cluster, counts.replicaKills);
    progress('cluster: PostgreSQL killed');
    const database = await killDatabase(cluster, counts.databaseKills);
    return { cacheOff, healthy, terminated, stopped, storm, replicas, database };
  } finally {
    resume();
    await Promise.all([cluster.stop(), cached.stop()]);
  }
}
