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

/** No answer takes more, so a larger number is wrong. */
const MOST_TOKENS = 1e9;

/** The lengths and first bytes of the names that are of interest, together. Others need not be made a string. */
const formOf = (length: number, first: number) => length * 256 + first;
const FORMS: ReadonlySet<number> = new Set(
  [...NAMES, ...[...PLACES].flatMap((place) => place.split('.'))].map((name) =>
    formOf(name.length, name.charCodeAt(0)),
  ),
);

const MAX_NAME = 40;
const MAX_DEPTH = 4;
/** A name that is of no interest. It differs from the empty one of a list. */
const OTHER = '-';

/** In a stream, the lines without it need no reading. */
const MARK = '"usage';

/** Strings up to this length are faster to read byte by byte. */
const SHORT = 48;

const [QUOTE, BACKSLASH, COLON, NEWLINE] = [34, 92, 58, 10];
const [OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP, ZERO, NINE] = [91, 93, 123, 125, 48, 57];

/** The bytes that structure JSON are 1. */
const STRUCTURE = new Uint8Array(256);
for (const byte of [QUOTE, COLON, OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP]) STRUCTURE[byte] = 1;

/** Undefined for a content type that has no such numbers. */
export function createTokenReader(contentType = ''): TokenReader | undefined {
  if (contentType === 'application/json') return createReader(false);
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (type.trim() === 'text/event-stream' || type.trim() === 'application/x-ndjson')
    return createReader(true);
  return /^application\/(?:[\w.-]+\+)?json$/.test(type.trim()) ? createReader(false) : undefined;
}

/** @param isOfLines each line is a text of its own, and JSON begins in it with a bracket */
function createReader(isOfLines: boolean): TokenReader {
  const found = new Map<string, number>();
  let isSeeking = isOfLines;
  /** Nothing of the current line is read yet. */
  let isFresh = true;
  let isInString = false;
  let isEscaped = false;
  /** The start of the last string, or undefined when it is too long for a name. */
  let text: string | undefined = '';
  /** Where the last string is in the current chunk, or -1. Few strings are names, so most are never made. */
  let from = -1;
  let to = -1;
  let depth = 0;
  /** The names on the way to the current place, by depth; empty in a list. */
  const names: string[] = [];
  /** The next value is one of the numbers. */
  let isWanted = false;
  let number = -1;

  function beginLine(): void {
    endNumber();
    isSeeking = isFresh = true;
    isInString = isEscaped = false;
    depth = 0;
  }

  /** Returns where to go on. */
  function readString(chunk: Buffer, start: number, end: number): number {
    let i = start;
    if (isEscaped) {
      isEscaped = false;
      i++;
    }
    for (let native = i + SHORT; i < end; i++) {
      if (i >= native) {
        i = nextOfString(chunk, i, end);
        if (i >= end) break;
      }
      const byte = chunk[i];
      if (byte === QUOTE) {
        isInString = false;
        if (text === '') {
          from = start;
          to = i;
        } else keepText(chunk, start, i);
        return i + 1;
      }
      if (byte !== BACKSLASH) continue;
      i++;
      native = i + SHORT;
      isEscaped = i >= end;
    }
    keepText(chunk, start, end);
    return end;
  }

  function keepText(chunk: Buffer, start: number, end: number): void {
    if (text === undefined || depth > MAX_DEPTH) return;
    text = text.length + end - start > MAX_NAME ? undefined : text + chunk.toString('latin1', start, end);
  }

  function keepPlaced(chunk: Buffer): void {
    if (from >= 0) keepText(chunk, from, to);
    from = -1;
  }

  function endNumber(): void {
    if (number >= 0) found.set(names[depth] ?? '', number);
    number = -1;
    isWanted = false;
  }

  function nameValue(chunk: Buffer): void {
    if (depth > MAX_DEPTH) return;
    if (from >= 0 && !FORMS.has(formOf(to - from, chunk[from] ?? 0))) {
      from = -1;
      names[depth] = OTHER;
      return;
    }
    keepPlaced(chunk);
    const name = text ?? OTHER;
    names[depth] = name;
    if (!NAMES.has(name)) return;
    // The parts of a list at the top of the answer are answers.
    isWanted = PLACES.has(names.slice(names[1] === '' ? 2 : 1, depth).join('.'));
  }

  function readPart(chunk: Buffer, start: number, end: number): void {
    let i = start;
    while (i < end) {
      if (isInString) {
        i = readString(chunk, i, end);
        continue;
      }
      const byte = chunk[i++] ?? 0;
      if (isSeeking) {
        if (byte !== OPEN_MAP && byte !== OPEN_LIST) continue;
        isSeeking = false;
      }
      if (isWanted) {
        if (byte >= ZERO && byte <= NINE) {
          number = Math.max(number, 0) * 10 + byte - ZERO;
          continue;
        }
        if (number >= 0 || STRUCTURE[byte] === 1) endNumber();
      }
      if (STRUCTURE[byte] === 0) continue;
      if (byte === QUOTE) {
        isInString = true;
        text = '';
        from = -1;
      } else if (byte === COLON) nameValue(chunk);
      else if (byte === OPEN_MAP || byte === OPEN_LIST) {
        depth++;
        if (depth <= MAX_DEPTH) names[depth] = '';
      } else depth = Math.max(0, depth - 1);
    }
  }

  function readLines(chunk: Buffer): void {
    let mark = chunk.indexOf(MARK);
    for (let start = 0; start < chunk.length; ) {
      if (mark >= 0 && mark < start) mark = chunk.indexOf(MARK, start);
      // Whole lines without the mark are passed over.
      if (isFresh) start = chunk.lastIndexOf(NEWLINE, mark < 0 ? chunk.length : mark) + 1 || start;
      const newline = chunk.indexOf(NEWLINE, start);
      readPart(chunk, start, newline < 0 ? chunk.length : newline);
      if (newline < 0) {
        isFresh &&= start >= chunk.length;
        return;
      }
      beginLine();
      start = newline + 1;
    }
  }

  return {
    push(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (isOfLines) readLines(chunk);
      else readPart(chunk, 0, chunk.length);
      keepPlaced(chunk);
    },
    tokens() {
      endNumber();
      return { input: sumOf(found, INPUT), output: sumOf(found, OUTPUT) };
    },
  };
}

/** The next byte of a string that has a meaning, or the end. */
function nextOfString(chunk: Buffer, from: number, end: number): number {
  const quote = chunk.indexOf(QUOTE, from);
  const last = quote < 0 ? end : Math.min(quote, end);
  const slash = chunk.subarray(from, last).indexOf(BACKSLASH);
  return slash < 0 ? last : from + slash;
}

function sumOf(found: ReadonlyMap<string, number>, lists: readonly (readonly string[])[]): number {
  const names = lists.find(([first = '']) => found.has(first)) ?? [];
  const sum = names.reduce((total, name) => total + (found.get(name) ?? 0), 0);
  return sum <= MOST_TOKENS ? sum : 0;
}
