/** A bar for each figure, drawn by hand: readable on a white page and on a black one, and the same for everybody. */

export type Bar = { title: string; value: number };

const WIDTH = 760;
const TITLE_WIDTH = 230;
const VALUE_WIDTH = 90;
const ROW = 26;
const BAR = 16;
const TOP = 34;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .heading { font-weight: 600 }
  .bar { fill: #6e7781 }
  .ours { fill: #c2410c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #8b949e }
    .ours { fill: #fb923c }
  }`;

export function plot(heading: string, bars: readonly (Bar & { isOurs: boolean })[]): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const space = WIDTH - TITLE_WIDTH - VALUE_WIDTH;
  const height = TOP + bars.length * ROW + 6;
  const rows = bars.map(({ title, value, isOurs }, index) => {
    const y = TOP + index * ROW;
    const length = Math.max(1, Math.round((space * value) / most));
    return [
      `  <text x="${TITLE_WIDTH - 8}" y="${y + 13}" text-anchor="end">${escapeXml(title)}</text>`,
      `  <rect class="${isOurs ? 'ours' : 'bar'}" x="${TITLE_WIDTH}" y="${y}" width="${length}" height="${BAR}" rx="2"/>`,
      `  <text x="${TITLE_WIDTH + length + 8}" y="${y + 13}">${Math.round(value).toLocaleString('en')}</text>`,
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `  <title>${escapeXml(heading)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    `  <text class="heading" x="${TITLE_WIDTH}" y="18">${escapeXml(heading)}</text>`,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

const escapeXml = (text: string) =>
  text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
