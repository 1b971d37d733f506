import { type Document, isCollection, isScalar, visit } from 'yaml';
import { DomainError } from '../lib/failure.ts';
import { isYamlProblem, readDocument } from './document.ts';

/** Long texts stay in one line, as people write them. */
const LAYOUT = { lineWidth: 0 } as const;

/**
 * Changes the text of a file. Comments and the order of fields stay. The text must be valid YAML.
 * @throws DomainError `gateway_config_invalid` when the change removes a part that another part uses
 */
export function editText(text: string, change: (document: Document) => void): string {
  const read = readDocument(text);
  if (isYamlProblem(read)) throw new Error('only a valid file can be edited');
  const document: Document = read.document;
  // An empty file has no fields to which one can be added, and neither has one that says `null`.
  if (!isCollection(document.contents)) document.contents = document.createNode({});
  try {
    change(document);
    return document.toString(LAYOUT);
  } catch (error) {
    throw lacksPart(document) ? partInUse() : error;
  }
}

/** Whether a part of the file ("*name") stands for another part ("&name") that is no longer there. */
function lacksPart(document: Document): boolean {
  let isLacking = false;
  visit(document, {
    Alias(_, alias) {
      isLacking ||= alias.resolve(document) === undefined;
    },
  });
  return isLacking;
}

const partInUse = () =>
  new DomainError({
    code: 'gateway_config_invalid',
    reason: 'invalid_config',
    field: '',
    sentence: 'Another part of the file uses this part with "*"; edit the file itself.',
  });

const SECRET = ['remote-management', 'secret-key'];

/** Puts the hash in the place of the management key. Everything else stays as it is, byte for byte. */
export function replaceSecret(text: string, hash: string): string {
  const read = readDocument(text);
  if (isYamlProblem(read)) throw new Error('only a valid file can be edited');
  const node = read.document.getIn(SECRET, true);
  const isPlaced =
    isScalar(node) && node.range && /^(?:PLAIN|QUOTE_(?:SINGLE|DOUBLE))$/.test(node.type ?? '');
  if (isPlaced && !node.anchor && !node.tag && node.range) {
    const [start, end] = node.range;
    return `${text.slice(0, start)}"${hash}"${text.slice(end)}`;
  }
  return editText(text, (document) => document.setIn(SECRET, hash));
}
