import { startCluster } from '../../deploy/cluster/cluster.ts';
import { killDatabase, killReplicas, type Losses } from './crash.ts';
import { type Revocations, revoke, stopListeners, terminateListeners } from './revocation.ts';
import { type Storm, terminateConnections } from './storm.ts';
import { caller, register } from './traffic.ts';

const REVOCATIONS = 1_000;
const REVOCATIONS_CACHED = 300;
/** Each is watched for as long as anything could still be remembered, and longer. */
const REVOCATIONS_DEAF = 10;
const WATCH_MS = 2_500;
const REPLICA_KILLS = 50;
const DATABASE_KILLS = 10;
const STORM_SECONDS = 60;

export type ClusterFigures = {
  revocations: number;
  cacheOff: Revocations;
  healthy: Revocations;
  terminated: Revocations;
  stopped: Revocations;
  storm: Storm;
  replicas: Losses;
  database: Losses;
};

/** What three replicas on one PostgreSQL do when keys are revoked, and when a part of them ends. */
export async function measureCluster(progress: (line: string) => void): Promise<ClusterFigures> {
  const open = { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_BCRYPT_COST: '10' };
  const cluster = await startCluster(3, open);
  const cached = await startCluster(3, { ...open, KEYHEARTH_CACHE: 'on' });
  for (const { replicas } of [cluster, cached]) await register(caller(replicas[0]?.origin ?? ''));
  const { url } = cached.postgres;
  let resume: () => void = () => undefined;
  try {
    progress('cluster: revocations');
    const cacheOff = await revoke(cluster, REVOCATIONS);
    progress('cluster: revocations, cached');
    const healthy = await revoke(cached, REVOCATIONS_CACHED);
    progress('cluster: revocations, cached, listeners terminated');
    const terminated = await revoke(cached, REVOCATIONS_DEAF, WATCH_MS, () => terminateListeners(url));
    progress('cluster: revocations, cached, listeners stopped');
    const stopped = await revoke(cached, REVOCATIONS_DEAF, WATCH_MS, async () => {
      resume();
      resume = await stopListeners(url);
    });
    resume();
    progress('cluster: connections terminated');
    const storm = await terminateConnections(cluster, STORM_SECONDS);
    progress('cluster: replicas killed');
    const replicas = await killReplicas(cluster, REPLICA_KILLS);
    progress('cluster: PostgreSQL killed');
    const database = await killDatabase(cluster, DATABASE_KILLS);
    return {
      revocations: REVOCATIONS,
      cacheOff,
      healthy,
      terminated,
      stopped,
      storm,
      replicas,
      database,
    };
  } finally {
    resume();
    await Promise.all([cluster.stop(), cached.stop()]);
  }
}
