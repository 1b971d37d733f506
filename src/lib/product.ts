import manifest from '../../package.json' with { type: 'json' };

/** The name, version and description of this program, from its package. */
export const product = { name: manifest.name, version: manifest.version, description: manifest.description };

/** Whether npm has installed this copy as a package. Then `deploy/package/build.ts` made its package.json. */
export const isInstalled = 'installed' in manifest;
