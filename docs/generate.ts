import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { environmentSchema } from '../src/config.ts';

const PAGE = new URL('configuration.md', import.meta.url);
const SECTION = /(<!-- variables: .*? -->\n)[\s\S]*?(<!-- \/variables -->)/;

type Variable = { description: string; default?: unknown; shown?: string };

/** The table of variables, from the schema that reads them. */
function configurationTable(): string {
  const schema = z.toJSONSchema(environmentSchema, { io: 'input' });
  const rows = Object.entries(schema.properties as unknown as Record<string, Variable>).map(
    ([name, variable]) => {
      const value = variable.shown ?? (variable.default === undefined ? 'none' : `\`${variable.default}\``);
      return `| \`${name}\` | ${value} | ${variable.description} |`;
    },
  );
  return ['| variable | default | |', '| --- | --- | --- |', ...rows].join('\n');
}

/** docs/configuration.md with its table brought up to date. */
export function generateConfigurationPage(page = readFileSync(PAGE, 'utf8')): string {
  return page.replace(SECTION, (_, start: string, end: string) => `${start}${configurationTable()}\n${end}`);
}

if (import.meta.main) writeFileSync(PAGE, generateConfigurationPage());
