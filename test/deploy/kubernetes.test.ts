import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type environmentSchema, parseConfig } from '../../src/config.ts';
import { startService, temporaryDirectory } from '../support/keyhearth.ts';

const ROOT = join(import.meta.dirname, '../..');

type Manifest = { kind: string; apiVersion: string };

/** What the tests read of a manifest. The compiler checks its types in the first test. */
type Named = { name: string };
type Probe = { httpGet: { path: string }; periodSeconds: number; failureThreshold: number };
type Container = {
  env: { name: string; value: string }[];
  volumeMounts: (Named & { mountPath: string })[];
  ports: (Named & { containerPort: number })[];
  startupProbe: Probe;
  readinessProbe: Probe;
  securityContext: object;
};
type Pod = { containers: [Container]; volumes: Named[]; terminationGracePeriodSeconds: number };
type Workload = Manifest & {
  spec: {
    selector: { matchLabels: object };
    strategy?: object;
    template: { metadata: { labels: object }; spec: Pod };
    volumeClaimTemplates?: { metadata: Named }[];
  };
};
type Service = Manifest & { metadata: Named; spec: { selector: object; ports: [{ targetPort: string }] } };

/** kubectl reads YAML 1.1, in which 0400 is octal. */
const manifestsOf = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(ROOT, file), 'utf8'), { version: '1.1' }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });

const files = ['deploy/kubernetes/sqlite.yaml', 'deploy/kubernetes/replicas.yaml'];

/** In `apps/v1`, a StatefulSet has the type StatefulSet of kubernetes-types/apps/v1. */
const moduleOf = ({ apiVersion }: Manifest) =>
  `kubernetes-types/${apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`}`;

const compile = (text: string) => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'manifests.ts'), text);
  const compilerOptions = {
    ...{ module: 'preserve', strict: true, noEmit: true, types: [] },
    paths: { 'kubernetes-types/*': [join(ROOT, 'node_modules/kubernetes-types/*.d.ts')] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['manifests.ts'] }));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  return spawnSync(tsc, ['--project', folder, '--singleThreaded'], { encoding: 'utf8' }).stdout;
};

/** The compiler compares each field with the schema of Kubernetes, and refuses fields that are not in it. */
const check = (manifests: readonly Manifest[]) =>
  compile(
    manifests
      .map(
        (manifest) =>
          `(${JSON.stringify(manifest)}) satisfies import('${moduleOf(manifest)}').${manifest.kind};\n`,
      )
      .join(''),
  );

test('all fields of the manifests are in the schema of Kubernetes, and have its types', () => {
  expect(check(files.flatMap(manifestsOf))).toBe('');
});

test('the schema finds a field that does not exist', () => {
  const service = { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 8800, targetprt: 8800 }] } };
  expect(check([service])).toMatch(/targetprt.* does not exist/);
});

describe.each(files)('%s', (file) => {
  const manifests = manifestsOf(file);
  const workload = manifests.find(({ kind }) => /StatefulSet|Deployment/.test(kind)) as Workload;
  const service = manifests.find(({ kind }) => kind === 'Service') as Service;
  const pod = workload.spec.template.spec;
  const [container] = pod.containers;
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));

  test('sets variables that Keyhearth knows, to values that it accepts', () => {
    const files = {
      KEYHEARTH_PEPPER_FILE: 'ab'.repeat(32),
      KEYHEARTH_BOOTSTRAP_TOKEN_FILE: 'a-token-of-this-test',
    };
    const folder = temporaryDirectory();
    const here: Partial<Record<keyof typeof environmentSchema.shape, string>> = { ...env };
    for (const [name, content] of Object.entries({
      ...files,
      DATABASE_URL_FILE: 'postgres://ada:secret@db.example.com/keys',
    })) {
      if (!(name in env)) continue;
      writeFileSync(join(folder, name), content, { mode: 0o600 });
      Object.assign(here, { [name]: join(folder, name) });
    }
    expect(parseConfig(here).database.engine).toBe(file.endsWith('sqlite.yaml') ? 'sqlite' : 'postgres');
  });

  test('mounts each path that a variable names', () => {
    const mounts = container.volumeMounts;
    for (const path of Object.values(env).filter((value) => value.startsWith('/')))
      expect(mounts.filter(({ mountPath }) => path.startsWith(`${mountPath}/`)).length, path).toBe(1);
    const claims = (workload.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata);
    const volumes = [...pod.volumes, ...claims].map(({ name }) => name);
    expect(mounts.map(({ name }) => name).sort()).toEqual(volumes.sort());
  });

  test('gives Keyhearth more time to stop than it needs, and stops it after the last check', () => {
    const delay = Number(env.KEYHEARTH_SHUTDOWN_DELAY_SECONDS);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(delay + 25);
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(delay).toBeGreaterThan(periodSeconds * failureThreshold * 2);
  });

  test('asks at a path that is there', async () => {
    const running = await startService();
    for (const { httpGet } of [container.startupProbe, container.readinessProbe])
      expect((await running.send(httpGet.path)).status).toBe(200);
    await running.close();
  });

  test('sends requests to the port of the image, for the pods of the manifest', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const [port] = container.ports;
    expect(port?.containerPort).toBe(Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]));
    expect(service.spec.ports[0].targetPort).toBe(port?.name);
    const { labels } = workload.spec.template.metadata;
    expect([service.spec.selector, workload.spec.selector.matchLabels]).toEqual([labels, labels]);
    // Kubernetes would add variables whose names begin with KEYHEARTH_.
    expect(service.metadata.name).not.toBe('keyhearth');
  });

  test('takes all rights away that Keyhearth does not need', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});

test('an update of the replicas never leaves fewer than there are', () => {
  const deployment = manifestsOf('deploy/kubernetes/replicas.yaml').find(
    ({ kind }) => kind === 'Deployment',
  ) as Workload;
  expect(deployment.spec.strategy).toEqual({ rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
});
