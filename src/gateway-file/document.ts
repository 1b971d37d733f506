import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseDocument,
  type Range,
  visit,
} from 'yaml';

/** YAML, from text to plain values. Its own messages can show parts of the file, so nothing here uses them. */

/** A reference to a part of the file may be used so often. More could make a small file fill the memory. */
const MAX_ALIASES = 100;

/** No section needs as many. */
const MAX_FIELDS = 1_000;

/** A file with deeper lists takes seconds to parse. */
const DEEP = /(?:[[{]\s*){50}|(?:[-?:] +){50}/;

/** A field, from the top of the file. */
export type FieldPath = readonly PropertyKey[];

export type ReadDocument = Readonly<{
  document: Document.Parsed;
  /** Fields without a value are left out. */
  value: unknown;
  /** The line of a field, or of the closest one around it that exists. */
  lineOf(path: FieldPath): number | undefined;
}>;

export type YamlProblem = Readonly<{ line: number | undefined; sentence: string }>;

export const isYamlProblem = (read: ReadDocument | YamlProblem): read is YamlProblem => 'sentence' in read;

const REASONS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'has a tab in front of it; use spaces',
  BAD_INDENT: 'does not begin in the right column',
  BLOCK_AS_IMPLICIT_KEY:
    'has a second ": ", so put text with a colon into quotes; or the line after it begins too far to the right',
  BAD_SCALAR_START: 'has text that begins with a reserved character; put it into quotes',
  MISSING_CHAR: 'has an opening quote or bracket that is not closed, or lacks a colon',
  BAD_DQ_ESCAPE: 'has an unknown escape sequence; use single quotes',
  MULTIPLE_DOCS: 'begins a second document; the file must have one',
  BAD_DIRECTIVE: 'has a directive that is not allowed',
};

const problem = (line: number | undefined, what: string): YamlProblem => ({
  line,
  sentence: `${line === undefined ? 'The file' : `Line ${line}`} ${what}.`,
});

export function readDocument(text: string): ReadDocument | YamlProblem {
  if (DEEP.test(text))
    return problem(undefined, 'has lists or fields inside of one another that are too deep');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    merge: true,
    // It compares each name with each other one, which takes long for many. See `findBadName`.
    uniqueKeys: false,
  });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const [error] = document.errors;
  if (error) return problem(lineAt(error.pos[0]), REASONS[error.code] ?? 'is not valid YAML');
  const bad = findBadName(document);
  if (bad) return problem(bad.range ? lineAt(bad.range[0]) : undefined, bad.what);
  let value: unknown;
  try {
    value = withoutEmpty(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch {
    return problem(undefined, 'refers to a name with "*" that does not exist, or refers to one too often');
  }
  return {
    document,
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const range = rangeOf(document, path.slice(0, length));
        if (range) return lineAt(range[0]);
      }
      return undefined;
    },
  };
}

type BadName = Readonly<{ range: Range | null | undefined; what: string }>;

/** A name that stands twice in its map, or that is no text. */
function findBadName(document: Document.Parsed): BadName | undefined {
  let found: BadName | undefined;
  visit(document, {
    Map(_, { items }) {
      if (items.length > MAX_FIELDS) {
        found = { range: undefined, what: `has more than ${MAX_FIELDS} fields in one place` };
        return visit.BREAK;
      }
      const names = new Set<unknown>();
      for (const { key } of items) {
        const { range } = key as ParsedNode;
        const name = isScalar(key) ? key.value : undefined;
        // The name of a merge ("<<") is a symbol.
        if (typeof name !== 'string' && typeof name !== 'symbol')
          found = { range, what: 'has a field whose name is no text' };
        else if (names.has(name)) found = { range, what: 'has a field that stands twice' };
        if (found) return visit.BREAK;
        names.add(name);
      }
      return undefined;
    },
  });
  return found;
}

/** Where a field begins: at its name, or at the item of a list. */
function rangeOf(document: Document.Parsed, path: FieldPath): Range | null | undefined {
  let node: Node | null | undefined = document.contents;
  let range = node?.range;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (!pair) return undefined;
      range = (pair.key as ParsedNode).range;
      node = isNode(pair.value) ? pair.value : undefined;
    } else {
      const item: unknown = node && 'items' in node ? node.items[Number(part)] : undefined;
      if (!isNode(item)) return undefined;
      node = item;
      range = item.range;
    }
  }
  return range;
}

/** A field with nothing behind its colon is as good as none. An empty item of a list stays, because it is a mistake. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([name, inner]) => [name, withoutEmpty(inner)]),
  );
}
