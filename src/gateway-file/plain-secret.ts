import { DomainError } from '../lib/failure.ts';
import type { GatewayConfig } from './config.ts';
import { replaceSecret } from './edit.ts';
import { type FileContent, replaceGatewayFile } from './file.ts';
import type { ParsedFile } from './parse.ts';

/** What can be put in force: the configuration, and the content of the file that says it. */
export type Accepted = Readonly<{ content: FileContent; config: GatewayConfig; warnings: readonly string[] }>;

/**
 * Puts a hash in the place of a management key that is plain text, in the file too. Where the file cannot be written, the
 * hash stays in memory. Undefined: somebody else has changed the file.
 */
export async function withoutPlainSecret(
  path: string,
  { config, plainSecret, warnings }: ParsedFile,
  content: FileContent,
  hash: (secret: string) => Promise<string>,
): Promise<Accepted | undefined> {
  if (plainSecret === null) return { content, config, warnings };
  const secretHash = await hash(plainSecret);
  const hashed = { ...config, management: { ...config.management, secretHash } };
  const text = replaceSecret(content.text, secretHash);
  try {
    replaceGatewayFile(path, content.bytes, text);
    return { content: { text, bytes: Buffer.from(text) }, config: hashed, warnings };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.failure.code !== 'gateway_config_unwritable') return undefined;
    const warning = `remote-management.secret-key stays plain text, because the file cannot be written (${error.failure.error}); put a bcrypt hash there.`;
    return { content, config: hashed, warnings: [...warnings, warning] };
  }
}
