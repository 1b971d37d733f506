/**
 * Text without differences of case, so that a search finds "ÄRGER" and "ärger", "STRASSE" and "Straße". Each character
 * is folded by itself: `toLowerCase` of a whole word writes a final sigma in another way.
 */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = '';
  // Down first, because a capital ẞ has no other upper case.
  for (const character of text.normalize('NFC'))
    folded += character.toLowerCase().toUpperCase().toLowerCase();
  return folded.normalize('NFC');
}

/** The folded text, or null where SQL can fold the text itself. */
export const foldedUnlessAscii = (text: string): string | null => (isAscii(text) ? null : fold(text));

const isAscii = (text: string) => /^\p{ASCII}*$/u.test(text);
