import { join } from 'node:path';
import { Hono } from 'hono';
import type { HttpContext, HttpEnv } from '../../http/context.ts';
import { problem } from '../../http/dialects/problem.ts';
import { APPLICATION_HEADERS } from '../../http/security-headers.ts';
import { DomainError } from '../../lib/failure.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { etagOf } from '../static-document.ts';
import { answerStatic } from '../static-file.ts';
import { dashboardFiles } from './files.ts';
import { MISSING_PAGE, pageAt } from './page.ts';

const BUILD = join(import.meta.dirname, '../../../dashboard/dist');

const ASSET = '/dashboard/assets/:file';
/** The script of the dashboard decides what it shows for which path. */
const PAGES = ['/dashboard', '/dashboard/', '/dashboard/:page', '/dashboard/:page/:item'];

const HTML = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-cache' };

/**
 * The dashboard: pages and their files, for everybody. What a page shows comes from the core API, which decides who may
 * see it. Its routes are not in the OpenAPI document.
 */
export function dashboardApi(context: ApiContext, folder = BUILD) {
  const files = dashboardFiles(folder);

  async function page(c: HttpContext): Promise<Response> {
    const dashboard = await files();
    if (!dashboard) return c.body(MISSING_PAGE, 404, { ...HTML, 'Cache-Control': 'no-store' });
    const plain = Buffer.from(pageAt(dashboard.index, c.req.path));
    return answerStatic(c, { forms: { plain }, headers: { ...HTML, ETag: etagOf(plain) } });
  }

  async function asset(c: HttpContext): Promise<Response> {
    const file = (await files())?.assets.get(c.req.param('file') ?? '');
    if (!file) throw new DomainError({ code: 'not_found' });
    return answerStatic(c, file);
  }

  const api = createApi(
    {
      paths: ['/dashboard/*'],
      authenticators: [],
      dialect: problem,
      bodyLimit: JSON_BODY_LIMIT,
      open: [ASSET, ...PAGES].map((path) => ({ method: 'get', path })),
    },
    context,
    (routes) => {
      routes.get(ASSET, asset);
      for (const path of PAGES) routes.get(path, page);
      return routes;
    },
  );
  return new Hono<HttpEnv>().use('/dashboard/*', withApplicationHeaders).route('/', api);
}

async function withApplicationHeaders(c: HttpContext, next: () => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(APPLICATION_HEADERS)) c.header(name, value);
  await next();
}
