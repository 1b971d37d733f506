import { expect, test } from 'vitest';
import { environmentSchema, unknownVariables } from '../../src/config.ts';

const settings = Object.keys(environmentSchema.shape);
const ours = settings.filter((name) => name.startsWith('KEYHEARTH_'));

const check = (name: string) => () => unknownVariables({ [name]: 'geheim' });

test('no setting is a typing error of another', () => {
  expect(unknownVariables(Object.fromEntries(settings.map((name) => [name, 'x'])))).toEqual([]);
});

test.each(ours)('any typing error in %s stops the start', (name) => {
  const refusal = `is not a setting, but ${name} is; correct the name or remove it.`;
  for (let i = 'KEYHEARTH_'.length; i <= name.length; i++) {
    const [before, after] = [name.slice(0, i), name.slice(i)];
    expect(check(`${before}X${after}`), 'inserted').toThrow(refusal);
    if (after === '') continue;
    expect(check(`${before}${after.slice(1)}`), 'deleted').toThrow(refusal);
    expect(check(`${before}x${after.slice(1)}`), 'replaced').toThrow(refusal);
    const swapped = `${before}${after[1] ?? ''}${after[0]}${after.slice(2)}`;
    if (swapped !== name) expect(check(swapped), 'swapped').toThrow(refusal);
  }
});

test.each(settings.filter((name) => !name.startsWith('KEYHEARTH_') && name !== 'PORT'))(
  'KEYHEARTH_%s stops the start: the setting has no prefix',
  (name) => {
    expect(check(`KEYHEARTH_${name}`)).toThrow(`KEYHEARTH_${name} is not a setting, but ${name} is`);
  },
);

test.each([
  'KEYHEARTH_PORT',
  'KEYHEARTH_SERVICE_HOST',
  'KEYHEARTH_PORT_8800_TCP',
  'KEYHEARTH_DATA_DIRECTORY',
  'KEYHEARTH_PEPER_FIEL',
  'KEYHEARTH_',
])('%s may belong to another program: it is named and has no effect', (name) => {
  expect(unknownVariables({ [name]: 'x' })).toEqual([name]);
});

test('variables of other programs do not matter', () => {
  expect(unknownVariables({ PATH: 'x', KEYHEART_CACHE: 'x', keyhearth_cache: 'x' })).toEqual([]);
});
