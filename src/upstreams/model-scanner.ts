/** What is known of the member `model` of a JSON object, as long as the object is not read to its end. */
export type ModelFound =
  | Readonly<{ state: 'searching' }>
  /** The body is no JSON object, or has no model that is a string. */
  | Readonly<{ state: 'absent' }>
  /** `start`: where the text begins in the body, after its quote. `raw`: the text as it is written there. */
  | Readonly<{ state: 'found'; model: string; start: number; raw: string }>
  /** Two members have this name, and the next program may read the other one. */
  | Readonly<{ state: 'duplicate' }>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** `model` with every letter written as an escape, and its quotes. */
const LONGEST_KEY = 32;
/** No model has a longer name. */
const LONGEST_MODEL = 4_096;
/** More pieces of a string are joined. A piece of one byte takes as much memory as hundreds. */
const MOST_PIECES = 64;

const SEARCHING: ModelFound = { state: 'searching' };
const ABSENT: ModelFound = { state: 'absent' };
const DUPLICATE: ModelFound = { state: 'duplicate' };

/**
 * Reads a JSON object piece by piece, and finds its member `model`. It does not check the JSON: an upstream does. After it
 * has found the model, it goes on to see whether there is a second one.
 */
export function createModelScanner() {
  let found: ModelFound = SEARCHING;
  let position = 0;
  let depth = 0;
  let isAtKey = false;
  let isModel = false;
  let hasModel = false;
  let inString = false;
  /** The last byte before this piece is a backslash that is not escaped itself. */
  let isEscaped = false;
  /** The string that is read now, when it matters. */
  let text: Buffer[] | undefined;
  let textLength = 0;
  let textStart = 0;
  let isEnded = false;

  function end(): void {
    isEnded = true;
    if (found.state === 'searching') found = ABSENT;
  }

  function beginString(start: number): void {
    inString = true;
    isEscaped = false;
    const matters = depth === 1 && (isAtKey || isModel);
    text = matters ? [] : undefined;
    textLength = 0;
    textStart = start;
  }

  function addText(piece: Buffer): void {
    if (!text) return;
    textLength += piece.length;
    text.push(piece);
    if (textLength > (isAtKey ? LONGEST_KEY : LONGEST_MODEL)) text = undefined;
    else if (text.length > MOST_PIECES) text = [Buffer.concat(text)];
  }

  function endString(): void {
    inString = false;
    if (depth !== 1) return;
    const raw = text && joined(text).toString('utf8');
    if (isAtKey) isModel = raw !== undefined && unescaped(raw) === 'model';
    else if (isModel && raw !== undefined && found.state === 'searching') {
      const model = unescaped(raw);
      if (model !== undefined) found = { state: 'found', model, start: textStart, raw };
    }
  }

  /** @returns where the string ends in the piece: after its quote, or at the end of the piece */
  function skipString(piece: Buffer, from: number): number {
    for (let at = from; ; ) {
      const quote = piece.indexOf(QUOTE, at);
      const stop = quote < 0 ? piece.length : quote;
      let slashes = 0;
      while (stop - slashes > from && piece[stop - slashes - 1] === BACKSLASH) slashes++;
      const carried = stop - slashes === from && isEscaped ? 1 : 0;
      const escapes = (slashes + carried) % 2 === 1;
      if (quote < 0) {
        isEscaped = escapes;
        addText(piece.subarray(from));
        return stop;
      }
      if (!escapes) {
        addText(piece.subarray(from, stop));
        endString();
        return stop + 1;
      }
      at = stop + 1;
    }
  }

  function readMark(byte: number): void {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) end();
    } else if (depth === 1 && byte === COMMA) {
      isAtKey = true;
      isModel = false;
    } else if (depth === 1 && byte === COLON && isAtKey) {
      isAtKey = false;
      if (isModel && hasModel) found = DUPLICATE;
      hasModel ||= isModel;
    }
  }

  /** @returns whether the object has begun */
  function begins(byte: number, at: number): boolean {
    if (at < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[at]) return false;
    if (isSpace(byte)) return false;
    if (byte !== OPEN_BRACE) end();
    return byte === OPEN_BRACE;
  }

  return {
    found: () => found,

    /** Reads the next piece. */
    push(piece: Buffer): ModelFound {
      let at = 0;
      while (at < piece.length && !isEnded && found.state !== 'duplicate') {
        if (inString) {
          at = skipString(piece, at);
          continue;
        }
        const byte = piece[at] ?? 0;
        if (depth === 0) {
          if (begins(byte, position + at)) {
            depth = 1;
            isAtKey = true;
          }
        } else if (byte === QUOTE) beginString(position + at + 1);
        else readMark(byte);
        at++;
      }
      position += piece.length;
      return found;
    },

    /** The body is complete. */
    end(): ModelFound {
      end();
      return found;
    },
  };
}

const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);

function unescaped(raw: string): string | undefined {
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`);
  } catch {
    return undefined;
  }
}

/** How many bytes the prefix and its slash take where the model is written. The slash may be written as an escape. */
export function writtenPrefix(raw: string, prefix: string): number {
  for (const { 0: slash, index } of raw.matchAll(/\\u002f|\\?\//gi)) {
    if (unescaped(raw.slice(0, index)) === prefix)
      return Buffer.byteLength(raw.slice(0, index + slash.length));
  }
  return 0;
}
