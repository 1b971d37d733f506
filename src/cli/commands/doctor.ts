import type { Command } from 'commander';
import type { Finding } from '../../doctor/finding.ts';
import { StartupError } from '../../lib/startup-error.ts';
import type { Context, Environment } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Paint, Style } from '../table.ts';
import { visible } from '../text.ts';
import { onDatabase } from '../without-service.ts';

const STYLES: Readonly<Record<Finding['level'], Style>> = { error: 'red', warning: 'yellow', info: 'dim' };

/** Checks an installation. */
export function addDoctor(program: Command, { env, output }: Context): void {
  onDatabase(program.command('doctor'))
    .description('check the files, the database, the pepper and the settings; the service may run')
    .addHelpText(
      'after',
      '\nIt reads the same environment variables as the service, and changes nothing. The exit code is 7 when it finds an\nerror.\n\nExample:\n  KEYHEARTH_DATA_DIR=/var/lib/keyhearth keyhearth doctor --json',
    )
    .action(async () => {
      const findings = await examine(env);
      output.print(findings, (paint) =>
        findings.length === 0
          ? 'Doctor found nothing.'
          : findings.map((finding) => paragraph(finding, paint)).join('\n'),
      );
      const errors = findings.filter(({ level }) => level === 'error').length;
      if (errors > 0) throw new CommandError(`Errors: ${errors}`, EXIT.findings);
    });
}

/** Settings with which the service does not start are a finding too. */
async function examine(env: Environment): Promise<Finding[]> {
  const { parseConfig, unknownVariables } = await import('../../config.ts');
  const { findingsOf } = await import('../../doctor/findings.ts');
  const { observe } = await import('../../doctor/observe.ts');
  const { systemClock } = await import('../../lib/clock.ts');
  try {
    const unknown = unknownVariables(env);
    return findingsOf(await observe(parseConfig(env), systemClock), unknown);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    const advice = 'Correct it. See docs/configuration.md.';
    return [{ level: 'error', check: 'settings', finding: error.message, advice }];
  }
}

const paragraph = ({ level, check, finding, advice }: Finding, paint: Paint) =>
  `${paint(STYLES[level], level)} ${check}: ${visible(finding)}\n  ${visible(advice)}`;
