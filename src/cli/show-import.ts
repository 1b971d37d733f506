import type { Refusal } from '../import/record.ts';
import type { Summary } from '../import/summary.ts';
import type { Output } from './output.ts';
import { type Column, table } from './table.ts';

export type Shown = Readonly<{
  file: string;
  isDryRun: boolean;
  /** What the place of a key in the file is. */
  unit: 'line' | 'row';
  summary: Summary;
}>;

type Counts = Pick<Summary, 'imported' | 'alreadyThere' | 'refused'>;
type Reason = Summary['reasons'][number];

/** Prints what became of the keys of a file. Nothing in it is secret. */
export function showImport(output: Output, { file, isDryRun, unit, summary }: Shown): void {
  const { imported, expired, alreadyThere, refused, refusals, reasons, stopped } = summary;
  const json = {
    ...{ file, dry_run: isDryRun, imported, expired, already_there: alreadyThere, refused, reasons },
    refusals: refusals.map(({ place, field, reason }) => ({ [unit]: place, field, reason })),
    stopped: stopped ?? null,
  };
  const counts: readonly Column<Counts>[] = [
    { title: isDryRun ? 'WOULD IMPORT' : 'IMPORTED', of: (row) => row.imported },
    { title: 'ALREADY THERE', of: (row) => row.alreadyThere },
    { title: 'REFUSED', of: (row) => row.refused, style: (row) => (row.refused > 0 ? 'red' : undefined) },
  ];
  const places: readonly Column<Refusal>[] = [
    { title: unit.toUpperCase(), of: ({ place }) => place },
    { title: 'FIELD', of: ({ field }) => field || '-' },
    { title: 'REASON', of: ({ reason }) => reason },
  ];
  const byReason: readonly Column<Reason>[] = [
    { title: 'KEYS', of: ({ count }) => count },
    { title: 'FIELD', of: ({ field }) => field || '-' },
    { title: 'REASON', of: ({ reason }) => reason },
  ];
  output.print(json, (paint) =>
    [
      table(counts, [summary], paint),
      ...(refused > 0 ? [table(places, refusals, paint)] : []),
      ...(refused > refusals.length
        ? [
            `There are ${refused - refusals.length} more refused keys. All by reason:`,
            table(byReason, reasons, paint),
          ]
        : []),
    ].join('\n\n'),
  );
}
