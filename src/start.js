/**
 * `npm start` runs this file. It says in one sentence why Keyhearth cannot start if Node is too old for TypeScript, or if
 * the packages are not installed. Every Node since version 14 can run it.
 */
const NODE_VERSION = 24;

function fail(sentence) {
  process.stderr.write(`keyhearth: ${sentence}\n`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < NODE_VERSION) {
  fail(
    `Keyhearth needs Node ${NODE_VERSION} or newer, and this is Node ${process.versions.node}; install it, or run npm ci without NODE_ENV=production, --omit=dev and --ignore-scripts, which brings Node ${NODE_VERSION} into this folder.`,
  );
}

async function start() {
  const { keepCompiledCode } = await import('./compile-cache.js');
  keepCompiledCode();
  // A question such as --help is answered at once.
  const problem = process.argv.length > 2 ? undefined : await buildDashboard();
  await import('./main.ts');
  if (problem !== undefined) process.stderr.write(`keyhearth: ${problem}\n`);
}

/** Builds it if its sources are here and have changed. @returns why that is impossible, as a sentence */
async function buildDashboard() {
  const builder = new URL('../dashboard/build.ts', import.meta.url);
  const { existsSync } = await import('node:fs');
  if (!existsSync(builder)) return undefined;
  const { buildIfStale } = await import(builder.href);
  return buildIfStale();
}

start().catch((error) => {
  const [, name] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || name === undefined) throw error;
  fail(`The package ${name} is not installed; run: npm ci`);
});
