import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { removeValue, setValue, setValues, valuesOf } from '../../../src/apis/management/lists.ts';

const FILE = `# The keys of the teams.
api-keys:
  - "first-key" # Team A
  # since March
  - second-key # Team B
port: 8317 # as before
`;

const NAME = 'api-keys';

function edited(change: (document: ReturnType<typeof parseDocument>) => void, text = FILE): string {
  const document = parseDocument(text);
  change(document);
  return document.toString();
}

test('items that stay keep their comments', () => {
  expect(edited((document) => setValues(document, NAME, ['second-key', 'third-key', 'first-key']))).toBe(
    `# The keys of the teams.
api-keys:
  # since March
  - second-key # Team B
  - third-key
  - "first-key" # Team A
port: 8317 # as before
`,
  );
});

test('a new key in the place of an old one gets its comment', () => {
  expect(edited((document) => setValue(document, NAME, 0, 'new: key'))).toContain('- "new: key" # Team A\n');
});

test('a removed key takes its comment along', () => {
  const text = edited((document) => removeValue(document, NAME, 0));
  expect(text).not.toContain('Team A');
  expect(text).toContain('- second-key # Team B\n');
});

test.each(['', '# only a comment\n', 'api-keys:\n', 'api-keys: null\n', 'port: 1\n'])(
  'a file without the list gets it: %j',
  (text) => {
    const document = parseDocument(edited((each) => setValues(each, NAME, ['a']), text));
    expect(valuesOf(document, NAME)).toEqual(['a']);
  },
);
