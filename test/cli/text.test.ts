import { expect, test } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';
import { details, type Paint, table } from '../../src/cli/table.ts';
import { toJson, visible, widthOf } from '../../src/cli/text.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { sharedService } from './service.ts';

const plain: Paint = (_, text) => text;

/** What a terminal would obey: ESC, CSI as one character, BEL, a line end, an order of characters, a lone surrogate. */
const HOSTILE = 'a\u001b[31mb\u009bc\u0007d\ne\u202ef\u2066g\ud800h';
const HARMLESS = 'a\\u001b[31mb\\u009bc\\u0007d\\u000ae\\u202ef\\u2066g\\ud800h';

test('what a terminal would obey is shown and not sent', () => {
  expect(visible(HOSTILE)).toBe(HARMLESS);
  expect(visible('\u{e0041}')).toBe('\\udb40\\udc41');
  expect(visible('Ünïcødé 鍵 👩‍💻')).toBe('Ünïcødé 鍵 👩‍💻');
  expect(table([{ title: 'A', of: (row: string) => row }], [HOSTILE], plain)).toBe(`A\n${HARMLESS}`);
  expect(details([['A', HOSTILE]], plain)).toBe(`A  ${HARMLESS}`);
});

test('JSON has them as escapes, and means the same', () => {
  const json = toJson({ label: HOSTILE });
  expect(json).not.toMatch(/[\u007f-\u009f\u202a-\u2069]|[^\n -~]/);
  expect(JSON.parse(json)).toEqual({ label: HOSTILE });
});

test('columns line up under wide characters', () => {
  expect(widthOf('鍵👩‍💻é')).toBe(5);
  const columns = [
    { title: 'A', of: ([first]: string[]) => first ?? '' },
    { title: 'B', of: ([, second]: string[]) => second ?? '' },
  ];
  expect(
    table(
      columns,
      [
        ['鍵', 'x'],
        ['abc', 'y'],
      ],
      plain,
    ),
  ).toBe('A    B\n鍵   x\nabc  y');
});

test.each<[string, boolean, Record<string, string>, boolean]>([
  ['a terminal', true, {}, true],
  ['a terminal with NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal without abilities', true, { TERM: 'dumb' }, false],
  ['a pipe', false, {}, false],
])('on %s', (_, isTTY, env, hasColor) => {
  let written = '';
  const stdout = { isTTY, write: (text: string) => (written += text) };
  const output = createOutput(
    { stdout, stderr: stdout, env, onInterrupt: () => () => undefined },
    () => false,
  );
  output.print({}, (paint) => paint('bold', 'title'));
  expect(written).toBe(hasColor ? '\u001b[1mtitle\u001b[22m\n' : 'title\n');
});

const { run, service } = sharedService();

test('metadata cannot command the terminal', async () => {
  const { send } = service();
  const metadata = { note: HOSTILE };
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { metadata } });
  for (const option of [[], ['--json']]) {
    const { code, stdout } = await run(['keys', 'show', String(json.id), ...option]);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[^\n -~]/);
    expect(stdout).toContain('u001b[31m');
  }
});
