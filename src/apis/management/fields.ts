import { isYamlProblem, readDocument } from '../../gateway-file/document.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a file. A text that is no YAML has none. */
export function fieldsOf(text: string): Fields {
  const read = readDocument(text);
  if (isYamlProblem(read)) return {};
  const { value } = read;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
