import { expect, test } from 'vitest';
import { KEY_A, KEY_B, processWithFile, withKeys } from './live-file.ts';

const changed = { failure: { code: 'gateway_config_changed' } };

test('a whole new text does not undo a change by hand that is not read yet', async () => {
  const { thread, write, read } = processWithFile(withKeys(KEY_A));
  const live = await thread();
  const text = await live.text();
  write(`${text}# by hand\n`);
  await expect(live.replace(`${text}# by the panel\n`)).rejects.toMatchObject(changed);
  expect(read()).toBe(`${text}# by hand\n`);
  await live.reload();
  await live.replace(`${await live.text()}# by the panel\n`);
  expect(read()).toBe(`${text}# by hand\n# by the panel\n`);
});

test('a whole new text repairs a file that is not valid', async () => {
  const { thread, write, accepted } = processWithFile(withKeys(KEY_A));
  const live = await thread();
  write('api-keys: [');
  await live.reload().catch(() => undefined);
  expect(live.problem()).toMatchObject({ kind: 'invalid_yaml' });
  await live.replace(withKeys(KEY_B));
  expect(live.problem()).toBeUndefined();
  expect(accepted()).toEqual([KEY_B]);
});
