/**
 * Reads how many tokens an answer of a model provider took, while the answer passes. It remembers a few numbers, and where
 * in the JSON it is. So it needs no more memory for a long answer than for a short one.
 */
export type TokenReader = Readonly<{
  push(chunk: Uint8Array): void;
  /** What the answer has said so far. */
  tokens(): Tokens;
}>;

export type Tokens = Readonly<{ input: number; output: number }>;

/** Where the providers say it: OpenAI and Claude, the first event of Claude, the last one of OpenAI responses, Gemini. */
const PLACES = new Set([
  'usage',
  'message.usage',
  'response.usage',
  'usageMetadata',
  'response.usageMetadata',
]);

/** Each list has names that one provider adds up; of the lists, one provider uses one. */
const INPUT = [
  ['prompt_tokens'],
  ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'],
  ['promptTokenCount', 'toolUsePromptTokenCount'],
];
const OUTPUT = [['completion_tokens'], ['output_tokens'], ['candidatesTokenCount', 'thoughtsTokenCount']];
const NAMES: ReadonlySet<string> = new Set([...INPUT, ...OUTPUT].flat());

const MAX_NAME = 40;
const MAX_DEPTH = 4;

const [QUOTE, BACKSLASH, COLON, COMMA, NEWLINE] = [34, 92, 58, 44, 10];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP, ZERO, NINE] = [91, 93, 123, 125, 48, 57];

/** Undefined for a content type that has no such numbers. */
export function createTokenReader(contentType: string | undefined): TokenReader | undefined {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';', 1);
  if (type.trim() === 'text/event-stream' || type.trim() === 'application/x-ndjson')
    return createReader(true);
  return /^application\/(?:[\w.-]+\+)?json$/.test(type.trim()) ? createReader(false) : undefined;
}

/** @param isOfLines each line is a text of its own, and JSON begins in it with a bracket */
function createReader(isOfLines: boolean): TokenReader {
  const found = new Map<string, number>();
  let isSeeking = isOfLines;
  let isInString = false;
  let isEscaped = false;
  /** The start of the last string, or undefined when it is too long for a name. */
  let text: string | undefined = '';
  let depth = 0;
  /** The names on the way to the current place, by depth; empty in a list. */
  const names: string[] = [];
  let number = -1;

  function beginLine(): void {
    isSeeking = true;
    isInString = isEscaped = false;
    depth = 0;
    number = -1;
  }

  /** Returns where to go on. */
  function readString(chunk: Buffer, start: number, end: number): number {
    let from = start;
    if (isEscaped) {
      isEscaped = false;
      from++;
    }
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const stop = quote < 0 || quote >= end ? end : quote;
      let slashes = 0;
      while (stop - slashes > from && chunk[stop - slashes - 1] === BACKSLASH) slashes++;
      if (stop === end) {
        isEscaped = slashes % 2 === 1;
        keepText(chunk, start, end);
        return end;
      }
      if (slashes % 2 === 0) {
        keepText(chunk, start, stop);
        isInString = false;
        return stop + 1;
      }
      from = stop + 1;
    }
  }

  function keepText(chunk: Buffer, start: number, end: number): void {
    if (text === undefined) return;
    text = text.length + end - start > MAX_NAME ? undefined : text + chunk.toString('latin1', start, end);
  }

  function endNumber(): void {
    const name = names[depth] ?? '';
    // The parts of a list at the top of the answer are answers.
    const place = names.slice(names[1] === '' ? 2 : 1, depth).join('.');
    if (depth <= MAX_DEPTH && NAMES.has(name) && PLACES.has(place)) found.set(name, number);
    number = -1;
  }

  function open(): void {
    depth++;
    if (depth <= MAX_DEPTH) names[depth] = '';
  }

  function readPart(chunk: Buffer, start: number, end: number): void {
    for (let i = start; i < end; ) {
      if (isInString) {
        i = readString(chunk, i, end);
        continue;
      }
      const byte = chunk[i++] ?? 0;
      if (isSeeking) {
        if (byte !== OPEN_MAP && byte !== OPEN_LIST) continue;
        isSeeking = false;
      }
      if (byte >= ZERO && byte <= NINE) {
        number = Math.max(number, 0) * 10 + byte - ZERO;
        continue;
      }
      if (number >= 0) endNumber();
      if (byte === QUOTE) {
        isInString = true;
        text = '';
      } else if (byte === OPEN_MAP || byte === OPEN_LIST) open();
      else if (byte === CLOSE_MAP || byte === CLOSE_LIST) depth = Math.max(0, depth - 1);
      else if (byte === COLON && depth <= MAX_DEPTH) names[depth] = text ?? '';
      else if (byte === COMMA) text = '';
    }
  }

  return {
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (!isOfLines) return readPart(chunk, 0, chunk.length);
      for (let start = 0; start < chunk.length; ) {
        const newline = chunk.indexOf(NEWLINE, start);
        readPart(chunk, start, newline < 0 ? chunk.length : newline);
        if (newline < 0) return undefined;
        if (number >= 0) endNumber();
        beginLine();
        start = newline + 1;
      }
      return undefined;
    },
    tokens: () => ({ input: sumOf(found, INPUT), output: sumOf(found, OUTPUT) }),
  };
}

function sumOf(found: ReadonlyMap<string, number>, lists: readonly (readonly string[])[]): number {
  const names = lists.find(([first = '']) => found.has(first)) ?? [];
  const sum = names.reduce((total, name) => total + (found.get(name) ?? 0), 0);
  return Number.isSafeInteger(sum) ? sum : 0;
}
