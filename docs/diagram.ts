import { writeFileSync } from 'node:fs';
import { filesOf, readModules } from './imports.ts';

/**
 * Draws docs/architecture.svg. The modules stand on a diagonal, each above all that it imports. An arrow leaves a module
 * on its right and ends on top of the module that it imports, so every arrow points down.
 */

type Layer = { name: string; color: string; modules: readonly string[] };

/** From top to bottom. No module may import one above it. */
const LAYERS: readonly Layer[] = [
  {
    name: 'process',
    color: '#57606a',
    modules: [
      ...[
        'cli',
        'backup',
        'copy',
        'doctor',
        'main',
        'arguments',
        'workers',
        'metrics-port',
        'serve',
        'compose',
        'compose-pepper',
        'compose-prover',
        'compose-gateway',
        'compose-client-api',
        'compose-request-log',
        'core-port',
        'gateway-port',
      ],
      ...['shared-memory', 'storage'],
      'config',
    ],
  },
  { name: 'app', color: '#8250df', modules: ['app'] },
  {
    name: 'APIs',
    color: '#8250df',
    modules: [
      'apis/core',
      'apis/dashboard',
      'apis/meta',
      'apis/metrics',
      'apis/proxyos',
      'apis/proxyhat',
      'apis/gateway',
      'apis/management',
      'apis',
    ],
  },
  { name: 'auth', color: '#bf3989', modules: ['auth/by', 'auth'] },
  { name: 'http', color: '#0969da', modules: ['http/server', 'http/dialects', 'http'] },
  {
    name: 'services',
    color: '#1a7f37',
    modules: [
      'webhooks',
      'import',
      'gateway-control',
      'oauth',
      'upstreams',
      'declared-keys',
      'gateway-file',
      'accounts',
      'recovery',
      'bootstrap',
      'metrics',
      'tracing',
      'limits',
      'lockout',
      'usage',
      'keys',
      'audit',
      'pepper',
    ],
  },
  {
    name: 'db',
    color: '#9a6700',
    modules: ['db/select-engine', 'db/postgres', 'db/sqlite', 'db', 'migrations'],
  },
  { name: 'lib', color: '#6e7781', modules: ['lib'] },
  { name: 'clients', color: '#6e7781', modules: ['client'] },
];

/** What a module is called in the picture, where that is not the folder. */
const LABELS: Readonly<Record<string, string>> = {
  config: 'config.ts, config/',
  apis: 'apis/ (createApi)',
};

const labelOf = (name: string) =>
  LABELS[name] ?? (filesOf(`src/${name}.ts`).length > 0 ? `${name}.ts` : `${name}/`);

const WIDTH = 900;
const MARGIN = 12;
const LAYER_LABEL_WIDTH = 84;
const BOX_WIDTH = 152;
const BOX_HEIGHT = 22;
const ROW_HEIGHT = 29;
/** Between a line and the right end of the box that it ends on. */
const INSET = 11.5;
const RADIUS = 8;
const STEM = '#8c959f';

type Box = { name: string; x: number; y: number; layer: Layer };

const modules = readModules();

function placeBoxes(): Map<string, Box> {
  const names = LAYERS.flatMap((layer) => layer.modules.map((name) => ({ name, layer })));
  const first = MARGIN + LAYER_LABEL_WIDTH;
  const step = (WIDTH - MARGIN - BOX_WIDTH - 8 - first) / (names.length - 1);
  return new Map(
    names.map(({ name, layer }, i) => [
      name,
      { name, layer, x: Math.round(first + i * step), y: MARGIN + i * ROW_HEIGHT },
    ]),
  );
}

const boxes = placeBoxes();

function boxOf(name: string): Box {
  const box = boxes.get(name);
  if (!box) throw new Error(`${name} has no layer: add it to LAYERS in docs/diagram.ts`);
  return box;
}

/** Half a pixel off the grid, so that a line of one pixel is sharp and does not grow where arrows share it. */
const middle = ({ y }: Box) => y + ROW_HEIGHT / 2;
const columnOf = (to: Box) => to.x + BOX_WIDTH - INSET;
const top = (box: Box) => middle(box) - BOX_HEIGHT / 2;

/** To the right and then down. */
function pathOf(from: Box, to: Box): string {
  const column = columnOf(to);
  return `M${from.x + BOX_WIDTH} ${middle(from)}H${column - RADIUS}q${RADIUS} 0 ${RADIUS} ${RADIUS}V${top(to) - 1}`;
}

function arrow(from: Box, to: Box): string {
  if (from.y >= to.y) throw new Error(`${from.name} imports ${to.name}, which is above it`);
  const title = `${from.name} imports ${to.name}`;
  const head = LAYERS.indexOf(to.layer);
  return `<path d="${pathOf(from, to)}" stroke="${to.layer.color}" marker-end="url(#head${head})"><title>${title}</title></path>`;
}

const arrows = (): string[] =>
  [...modules]
    .flatMap(([from, { imports }]) => [...imports].map((to) => ({ from: boxOf(from), to: boxOf(to) })))
    .sort((a, b) => a.to.y - b.to.y || a.from.y - b.from.y)
    .map(({ from, to }) => arrow(from, to));

/** The part that all arrows of a module share belongs to no target, so it has a colour of its own. */
function stems(): string[] {
  return [...boxes.values()].flatMap((from) => {
    const targets = [...(modules.get(from.name)?.imports ?? [])].map(boxOf);
    const end = Math.max(...targets.filter(({ y }) => y > from.y).map(columnOf)) - RADIUS;
    return Number.isFinite(end)
      ? [`<path d="M${from.x + BOX_WIDTH} ${middle(from)}H${end}" stroke="${STEM}"/>`]
      : [];
  });
}

function drawBox(box: Box): string {
  const { name, x, layer } = box;
  const count = modules.get(name)?.files.length;
  if (count === undefined) throw new Error(`${name} is in LAYERS, but has no files`);
  const baseline = middle(box) + 4;
  return [
    `<rect x="${x}" y="${top(box)}" width="${BOX_WIDTH}" height="${BOX_HEIGHT}" rx="4" fill="#ffffff" stroke="${layer.color}"/>`,
    `<text x="${x + 9}" y="${baseline}">${labelOf(name)}</text>`,
    `<text x="${x + BOX_WIDTH - 8}" y="${baseline}" class="count">${count}</text>`,
  ].join('');
}

function drawLayer(layer: Layer, i: number): string {
  const [first = '', last = first] = [layer.modules[0], layer.modules.at(-1)];
  const y = boxOf(first).y;
  const height = boxOf(last).y + ROW_HEIGHT - y;
  return [
    `<rect x="1" y="${y}" width="${WIDTH - 2}" height="${height}" fill="${i % 2 === 0 ? '#eef1f4' : '#f6f8fa'}"/>`,
    `<text x="${MARGIN + 2}" y="${y + ROW_HEIGHT / 2 + 4}" class="layer" style="fill:${layer.color}">${layer.name}</text>`,
  ].join('');
}

const LEGEND = [
  'A box is a module: its name, and how many files it has.',
  'An arrow leaves a module on the right and ends on top of',
  'each module that it imports. Lines meet where they curve,',
  'and not where they cross.',
];

export function drawDiagram(): string {
  for (const name of modules.keys()) boxOf(name);
  const height = 2 * MARGIN + boxes.size * ROW_HEIGHT;
  const legendY = boxOf('db/select-engine').y + ROW_HEIGHT / 2 + 4;
  const heads = LAYERS.map(
    ({ color }, i) =>
      `<marker id="head${i}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L6 3L0 6z" fill="${color}"/></marker>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    '<title id="title">The modules of Keyhearth, and which one imports which</title>',
    '<style>text{font:12.5px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}.layer{font-weight:600}.count{fill:#6e7781;text-anchor:end}.legend{fill:#57606a}</style>',
    `<defs>${heads.join('')}</defs>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6" fill="#f6f8fa" stroke="#d0d7de"/>`,
    ...LAYERS.map(drawLayer),
    '<g fill="none">',
    ...arrows(),
    ...stems(),
    '</g>',
    ...[...boxes.values()].map(drawBox),
    ...LEGEND.map(
      (line, i) =>
        `<text x="${MARGIN + LAYER_LABEL_WIDTH}" y="${legendY + i * 19}" class="legend">${line}</text>`,
    ),
    '</svg>',
  ].join('\n')}\n`;
}

if (import.meta.main) writeFileSync(new URL('./architecture.svg', import.meta.url), drawDiagram());
