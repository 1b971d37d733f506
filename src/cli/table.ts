import { visible, widthOf } from './text.ts';

/** Colours a text that is visible already. */
export type Paint = (style: Style, text: string) => string;
export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

export type Column<Row> = {
  title: string;
  of: (row: Row) => string | number;
  style?: (row: Row) => Style | undefined;
};

const GAP = '  ';

/** Lines up rows under their titles. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint): string {
  const cells = rows.map((row) => columns.map(({ of }) => visible(String(of(row)))));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => widthOf(line[i] ?? ''))),
  );
  const pad = (text: string, i: number) =>
    i === columns.length - 1 ? text : text + ' '.repeat((widths[i] ?? 0) - widthOf(text));
  const header = columns.map(({ title }, i) => paint('bold', pad(title, i)));
  const lines = rows.map((row, line) =>
    columns.map(({ style }, i) => {
      const text = pad(cells[line]?.[i] ?? '', i);
      const chosen = style?.(row);
      return chosen === undefined ? text : paint(chosen, text);
    }),
  );
  return [header, ...lines].map((line) => line.join(GAP).trimEnd()).join('\n');
}

/** One thing: a name and a value on each line. */
export function details(entries: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .map(([name, value]) => `${paint('bold', name.padEnd(width))}${GAP}${visible(value)}`.trimEnd())
    .join('\n');
}
