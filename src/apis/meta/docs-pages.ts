import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pageHeaders } from '../../http/security-headers.ts';
import { staticDocument } from '../static-document.ts';

const require = createRequire(import.meta.url);

/**
 * Makes a function that reads a file of a package. It looks for the file now, at the start. Later, while too many files
 * are open, Node would say that the file does not exist.
 */
function packageFile(name: string): () => Promise<string> {
  const path = require.resolve(name);
  return () => readFile(path, 'utf8');
}

const swaggerStyle = packageFile('swagger-ui-dist/swagger-ui.css');
const swaggerScript = packageFile('swagger-ui-dist/swagger-ui-bundle.js');
const redocScript = packageFile('redoc/bundles/redoc.standalone.js');

type Page = { title: string; body: string; scripts: string[]; style: string };

/**
 * A page that contains its scripts and its style, so it needs no other open path. Its policy allows only these scripts,
 * and connections only to this service.
 */
function render({ title, body, scripts, style }: Page) {
  const inline = scripts.map((script) => script.replaceAll('</script', '<\\/script'));
  const hashes = inline.map((script) => createHash('sha256').update(script).digest('base64'));
  const content = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
${body}
${inline.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`;
  return {
    content,
    headers: { 'Content-Type': 'text/html; charset=utf-8', ...pageHeaders(hashes) },
  };
}

// Both pages load the document with a relative URL, so they also work behind a proxy that adds a path.
export const swaggerPage = staticDocument(async () =>
  render({
    title: 'Keyhearth: Swagger UI',
    body: '<div id="swagger-ui"></div>',
    style: await swaggerStyle(),
    scripts: [
      await swaggerScript(),
      `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, tryItOutEnabled: true });`,
    ],
  }),
);

/** The only file that ReDoc loads from another host: the logo of its makers. */
const REDOC_LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg';

export const redocPage = staticDocument(async () =>
  render({
    title: 'Keyhearth: ReDoc',
    body: '<div id="redoc"></div>',
    style: 'body { margin: 0; }',
    scripts: [
      (await redocScript()).replaceAll(REDOC_LOGO, 'data:,'),
      `Redoc.init('openapi.json', {}, document.getElementById('redoc'));`,
    ],
  }),
);

/** The document as it was committed, so that the reviewed text is served. */
export const openapiDocument = staticDocument(async () => ({
  content: await readFile(new URL('../../../openapi/openapi.json', import.meta.url), 'utf8'),
  headers: { 'Content-Type': 'application/json' },
}));
