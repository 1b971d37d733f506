import { z } from 'zod';
import type { HttpContext } from '../../http/context.ts';
import type { createRouter } from '../../http/router.ts';
import type { Outcome, Upload } from '../../oauth/auth-files.ts';
import type { ManagementParts } from './parts.ts';
import { invalid, jsonOf, recordChange } from './request.ts';

export const AUTH_FILES = '/v0/management/auth-files';

/** Enough for a selection of files in the control panel. */
export const AUTH_FILES_LIMIT = 8 * 1024 * 1024;

const deleteSchema = z.object({ names: z.array(z.string()).min(1) });

/** The files with tokens, in the directory of the file's `auth-dir`. */
export function addAuthFileRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  const { oauth } = parts;
  const { authFiles } = oauth;

  router.get(AUTH_FILES, async (c) => c.json({ files: await authFiles.list() }));

  router.get(`${AUTH_FILES}/download`, async (c) => {
    const name = c.req.query('name');
    if (!name) throw invalid('name');
    const content = await authFiles.read(name);
    if (!content) throw invalid('file');
    return c.body(new Uint8Array(content), 200, {
      'Content-Type': 'application/json',
      'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replaceAll("'", '%27')}`,
    });
  });

  router.post(AUTH_FILES, async (c) => {
    const outcome = await authFiles.upload(await uploadsOf(c));
    return answer(c, 'uploaded', outcome);
  });

  router.delete(AUTH_FILES, async (c) => {
    const outcome = await authFiles.remove(await namesOf(c));
    if (outcome.succeeded.length === 0 && outcome.failed.length > 0) throw invalid('file');
    return answer(c, 'deleted', outcome);
  });

  async function namesOf(c: HttpContext): Promise<readonly string[]> {
    if (c.req.query('all') === 'true') return authFiles.names();
    const names = c.req.queries('name')?.filter((name) => name !== '') ?? [];
    if (names.length > 0) return names;
    return (await jsonOf(c, deleteSchema)).names;
  }

  async function answer(c: HttpContext, done: 'uploaded' | 'deleted', outcome: Outcome) {
    const { succeeded, failed, replaced, unused } = outcome;
    await oauth.reload();
    const count = succeeded.length;
    const changes = done === 'uploaded' ? { from: replaced, to: succeeded } : { from: succeeded, to: [] };
    if (count > 0) await recordChange(c, parts, `gateway.files_${done}`, { files: changes });
    const notes = {
      ...(replaced.length > 0 && { replaced }),
      ...(unused.length > 0 && { unused }),
    };
    if (failed.length === 0) return c.json({ status: 'ok', [done]: count, ...notes });
    if (count > 0) return c.json({ status: 'partial', [done]: count, failed, ...notes }, 207);
    const [first] = failed;
    const message = `${first?.name}: ${first?.error}`;
    return c.json({ error: { message, type: 'invalid_request_error' }, failed }, 400);
  }
}

/** The files of a form, or the body as one file. @throws DomainError `invalid body` */
async function uploadsOf(c: HttpContext): Promise<Upload[]> {
  if (!c.req.header('content-type')?.toLowerCase().startsWith('multipart/form-data')) {
    const name = c.req.query('name');
    if (!name) throw invalid('name');
    return [{ name, content: new Uint8Array(await c.req.arrayBuffer()) }];
  }
  const form = await c.req.parseBody({ all: true }).catch(() => undefined);
  const files = [form?.file ?? []].flat().filter((part) => part instanceof File);
  if (files.length === 0) throw invalid('body');
  const [channel, prefix] = [textIn(form?.channel), textIn(form?.prefix)];
  return Promise.all(
    files.map(async (file) => ({
      name: file.name,
      content: new Uint8Array(await file.arrayBuffer()),
      channel,
      prefix,
    })),
  );
}

/** Undefined for an empty field. A field that stands twice is refused. */
function textIn(field: unknown): string | undefined {
  if (field === undefined || field === '') return undefined;
  if (typeof field !== 'string') throw invalid('body');
  return field;
}
