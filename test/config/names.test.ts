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

test.each(settings.filter((name) => !name.startsWith('KEYHEARTH_')))(
  'KEYHEARTH_%s stops the start: the setting has no prefix',
  (name) => {
    const unprefixed = () => unknownVariables({ [`KEYHEARTH_${name}`]: '8900' });
    expect(unprefixed).toThrow(`KEYHEARTH_${name} is not a setting, but ${name} is`);
  },
);

test.each<[string, string | undefined]>([
  ['KEYHEARTH_SERVICE_HOST', undefined],
  ['KEYHEARTH_SERVICE_PORT', undefined],
  ['KEYHEARTH_PORT_8800_TCP', undefined],
  ['KEYHEARTH_PORT_8800_TCP_PROTO', undefined],
  ['KEYHEARTH_', undefined],
  ['KEYHEARTH_DATA_DIRECTORY', 'KEYHEARTH_DATA_DIR'],
  ['KEYHEARTH_LOCKOUT', 'KEYHEARTH_LOCKOUT_BY'],
  ['KEYHEARTH_PEPER_FIEL', 'KEYHEARTH_PEPPER_FILE'],
  ['KEYHEARTH_LOCKOUTATEMPTS', 'KEYHEARTH_LOCKOUT_ATTEMPTS'],
])('%s has no effect, and the similar setting is %s', (name, similar) => {
  expect(unknownVariables({ [name]: 'x' })).toEqual([{ name, similar }]);
});

test('KEYHEARTH_PORT of Kubernetes has no effect', () => {
  const name = 'KEYHEARTH_PORT';
  expect(unknownVariables({ [name]: 'tcp://10.0.0.1:8800' })).toEqual([{ name, similar: undefined }]);
});

test('variables of the command line do not matter', () => {
  expect(unknownVariables({ KEYHEARTH_URL: 'x', KEYHEARTH_KEY: 'x', KEYHEARTH_PROFILE: 'x' })).toEqual([]);
});

test('variables of other programs do not matter', () => {
  expect(unknownVariables({ PATH: 'x', KEYHEART_CACHE: 'x', keyhearth_cache: 'x' })).toEqual([]);
});
