import { OUTCOMES } from '../usage/outcome.ts';

/** One metric. A fixed one has at most one label, with known values. A histogram has the upper bounds of its buckets. */
export type Metric = Readonly<{
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  label?: string;
  values?: readonly string[];
  /** In seconds. */
  buckets?: readonly number[];
}>;

/** A counter whose series appear as they are needed. Together they have a limit: see `series.ts`. */
export type OpenMetric = Readonly<{ name: string; help: string; labels: readonly string[] }>;

/** A verification that finds no key is counted too. */
export const UNKNOWN = 'UNKNOWN';

const VERIFICATION_SECONDS = [
  ...[0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 5],
];
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const GATEWAY_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Each worker has memory for these, and counts without asking anybody. */
export const FIXED = {
  verifications: {
    name: 'keyhearth_verifications_total',
    type: 'counter',
    help: 'Verifications by outcome. UNKNOWN: no such key.',
    label: 'outcome',
    values: [...OUTCOMES, UNKNOWN],
  },
  verificationSeconds: {
    name: 'keyhearth_verification_duration_seconds',
    type: 'histogram',
    help: 'How long requests to /auth/verify take.',
    buckets: VERIFICATION_SECONDS,
  },
  requestSeconds: {
    name: 'keyhearth_request_duration_seconds',
    type: 'histogram',
    help: 'How long all other requests of the main port take.',
    buckets: REQUEST_SECONDS,
  },
  gatewaySeconds: {
    name: 'keyhearth_gateway_request_duration_seconds',
    type: 'histogram',
    help: 'How long requests of the gateway take, from their arrival to the end of the answer.',
    buckets: GATEWAY_SECONDS,
  },
  databaseSeconds: {
    name: 'keyhearth_database_duration_seconds',
    type: 'histogram',
    help: 'How long the database takes, with the wait for a connection. Look-ups that a cache answers are not counted.',
    label: 'operation',
    values: ['statement', 'look_up', 'search', 'background', 'rate_limit'],
    buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  },
  eventLoopSeconds: {
    name: 'keyhearth_event_loop_delay_seconds',
    type: 'histogram',
    help: 'How late a worker is when a timer ends. Each worker measures it ten times a second.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  keyCache: {
    name: 'keyhearth_key_cache_total',
    type: 'counter',
    help: 'Look-ups of keys: those that the cache answered, and those that it did not.',
    label: 'result',
    values: ['hit', 'miss'],
  },
  bcrypt: {
    name: 'keyhearth_bcrypt_tasks',
    type: 'gauge',
    help: 'Hashes and comparisons of bcrypt that run, and those that wait.',
    label: 'state',
    values: ['running', 'waiting'],
  },
  pool: {
    name: 'keyhearth_database_connections',
    type: 'gauge',
    help: 'Connections to PostgreSQL, and queries that wait for one. Always 0 with SQLite.',
    label: 'state',
    values: ['busy', 'idle', 'waiting'],
  },
  auditBacklog: {
    name: 'keyhearth_audit_backlog',
    type: 'gauge',
    help: 'Incidents that are not written to the audit log yet.',
  },
  usageBacklog: {
    name: 'keyhearth_usage_backlog',
    type: 'gauge',
    help: 'Uses and keys whose counts are not written to the database yet.',
  },
  sockets: {
    name: 'keyhearth_gateway_websockets',
    type: 'gauge',
    help: 'Open WebSockets of the gateway.',
  },
} as const satisfies Record<string, Metric>;

export type FixedMetric = keyof typeof FIXED;

/** Routes are patterns, and never paths. No label has a key, its label or an address. */
export const OPEN = {
  requests: {
    name: 'keyhearth_requests_total',
    help: 'Requests by port, method, route and status.',
    labels: ['port', 'method', 'route', 'status'],
  },
  refusals: {
    name: 'keyhearth_refusals_total',
    help: 'Requests that were refused, by port and by the code in the answer.',
    labels: ['port', 'code'],
  },
  upstreams: {
    name: 'keyhearth_gateway_upstream_requests_total',
    help: 'Requests of the gateway by the upstream that was asked, and by the status of the answer.',
    labels: ['upstream', 'status'],
  },
} as const satisfies Record<string, OpenMetric>;

/** The ports that can have a certificate, and the label of each. */
export const PORTS = ['core', 'gateway'] as const;

export type Port = (typeof PORTS)[number];

/** Refusals that alerts watch. Their series exist from the start, so that Prometheus sees the first increase. */
export const WATCHED_CODES = ['database_unavailable', 'database_busy', 'overloaded', 'internal_error'];

export type OpenMetricName = keyof typeof OPEN;

/** What is read when somebody asks for the metrics. */
export const READ = {
  lockouts: {
    name: 'keyhearth_lockouts',
    type: 'gauge',
    help: 'Addresses and e-mail addresses that are locked out now, by kind.',
    label: 'kind',
  },
  certificates: {
    name: 'keyhearth_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate of a port expires, in seconds since 1970. Absent for a port without TLS.',
    label: 'port',
  },
  workers: { name: 'keyhearth_workers', type: 'gauge', help: 'Workers that run.' },
  build: {
    name: 'keyhearth_build_info',
    type: 'gauge',
    help: 'Always 1. Its labels are the versions of Keyhearth and Node.',
  },
  cpu: { name: 'process_cpu_seconds_total', type: 'counter', help: 'CPU time of the process, in seconds.' },
  memory: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process, in bytes.',
  },
  started: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process was started, in seconds since 1970.',
  },
} as const satisfies Record<string, Metric>;

/** All of them, as docs/metrics.md lists them. */
export const ALL: readonly (Metric | OpenMetric)[] = [
  ...Object.values(OPEN),
  ...Object.values<Metric>(FIXED),
  ...Object.values<Metric>(READ),
];
