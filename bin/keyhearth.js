#!/usr/bin/env node
import { existsSync } from 'node:fs';

/** The command `keyhearth`. Every Node since version 14 can run this file, to say that it is too old for the others. */
const NODE_VERSION = 24;

function fail(sentence) {
  process.stderr.write(`keyhearth: ${sentence}\n`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < NODE_VERSION) {
  fail(
    `Keyhearth needs Node ${NODE_VERSION} or newer, and this is Node ${process.versions.node}; install it, or run npx keyhearth after npm ci, which brings Node ${NODE_VERSION} into this folder.`,
  );
}

/** A package that npm installed has the build in place of the sources, because Node refuses TypeScript there. */
const isCheckout = existsSync(new URL('../src', import.meta.url));
const load = (name) => import(isCheckout ? `../src/${name}` : `../build/src/${name.replace(/ts$/, 'js')}`);

async function run() {
  if (process.argv[2] === 'serve') {
    // The service reads its own arguments, and starts without the command line.
    process.argv.splice(2, 1);
    return load('start.js');
  }
  const { keepCompiledCode } = await load('compile-cache.js');
  keepCompiledCode();
  return load('cli/main.ts');
}

run().catch((error) => {
  const [, name] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || name === undefined) throw error;
  fail(`The package ${name} is not installed; run: npm ci`);
});
