/** What the text of metrics says: each series with its value. */
export type Exposed = {
  /** By name, with the labels in order: `name{a="1",b="2"}`. */
  samples: Map<string, number>;
  /** The type of each metric. */
  types: Map<string, string>;
  /** The sum of all series of a name whose labels contain a text. */
  sum(name: string, labels?: string): number;
};

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;
const PARTS: Record<string, string[]> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads the text of metrics, and refuses what Prometheus would refuse or complain about: a sample without a type, a series
 * twice, a counter without `_total`, a histogram whose buckets go down.
 */
export function parseExposition(text: string, isOpenMetrics: boolean): Exposed {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const helps = new Set<string>();
  if (isOpenMetrics !== text.endsWith('\n# EOF\n')) throw new Error('EOF is missing, or too much');
  for (const line of text.split('\n')) {
    if (line === '' || line === '# EOF') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') helps.add(name);
    else if (keyword === 'TYPE') {
      if (types.has(name)) throw new Error(`${name} twice`);
      types.set(name, rest);
    } else addSample(line);
  }

  function addSample(line: string): void {
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === '' || Number.isNaN(Number(value))) throw new Error(`not a sample: ${line}`);
    const family = [...types.keys()].at(-1) ?? '';
    const type = types.get(family) ?? '';
    const suffixes = PARTS[type] ?? [isOpenMetrics && type === 'counter' ? '_total' : ''];
    if (!helps.has(family) || !suffixes.some((suffix) => name === family + suffix))
      throw new Error(`${name} is no part of the ${type} ${family}`);
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name} has no _total`);
    const series = labels === '' ? name : `${name}{${labels}}`;
    if (samples.has(series)) throw new Error(`${series} twice`);
    samples.set(series, Number(value));
  }

  for (const [name, type] of types) if (type === 'histogram') assertHistogram(name, samples);
  return {
    samples,
    types,
    sum: (name, labels = '') =>
      [...samples]
        .filter(([series]) => series.replace(/\{.*/, '') === name && series.includes(labels))
        .reduce((sum, [, value]) => sum + value, 0),
  };
}

function assertHistogram(name: string, samples: Map<string, number>): void {
  let before = 0;
  for (const [series, value] of samples) {
    if (!series.startsWith(`${name}_bucket{`)) continue;
    if (value < before) throw new Error(`${series} is less than the bucket before it`);
    before = value;
    if (!series.includes('le="+Inf"')) continue;
    const labels = series
      .slice(name.length + '_bucket'.length)
      .replace(/le="[^"]*",?/, '')
      .replace('{}', '');
    if (samples.get(`${name}_count${labels}`) !== value) throw new Error(`${series} is not the count`);
    before = 0;
  }
}
