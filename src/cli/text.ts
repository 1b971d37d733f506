/** Text of others must not command the terminal that shows it. */

/** Control characters, and characters that change the order of others. The joiners of emoji and scripts may stay. */
const UNSAFE = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]--[\u200c\u200d]]/gv;

const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
const escaped = (character: string) => character.replaceAll(/[\s\S]/g, escapeUnit);

/** The text on one line, where a control character looks like `\u001b`. */
export const visible = (text: string): string => text.replaceAll(UNSAFE, escaped);

/** The same for text of several lines. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** JSON with the same characters escaped, as a parser of JSON reads them. */
export const toJson = (value: unknown): string => visibleLines(JSON.stringify(value, undefined, 2));

const WIDE = /^[\p{sc=Han}\p{sc=Hang}\p{sc=Hira}\p{sc=Kana}\p{Emoji_Presentation}\uff01-\uff60]/v;
const graphemes = new Intl.Segmenter('en');

/** How many columns of a terminal a text takes. */
export const widthOf = (text: string): number =>
  [...graphemes.segment(text)].reduce((sum, { segment }) => sum + (WIDE.test(segment) ? 2 : 1), 0);
