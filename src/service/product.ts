import manifest from '../../package.json' with { type: 'json' };

/** What this program is, as its package says. */
export const product = { name: manifest.name, version: manifest.version, description: manifest.description };
