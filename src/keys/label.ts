/** The rules for the label of a key. Two labels that differ must not look the same to a person. */
export const MAX_LABEL_LENGTH = 200;

/** Characters that are not visible, or that change the order of others. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/v;

/** The same characters in valid uses: in emoji, to choose a form, to join letters of scripts without upper case. */
const NEEDED = new RegExp(
  [
    String.raw`\p{RGI_Emoji}`,
    String.raw`(?<=\p{ExtPict}[\p{EMod}\uFE0F]?)\u200D(?=\p{ExtPict})`,
    String.raw`(?<=[\p{Lo}\p{ExtPict}[\p{S}--\p{ASCII}]])\p{Variation_Selector}`,
    String.raw`(?<=[[\p{Lo}\p{M}]--[\p{Ideographic}\p{sc=Hang}\p{sc=Hira}\p{sc=Kana}\p{sc=Zinh}]])[\u200C\u200D]`,
  ].join('|'),
  'gv',
);

/** Whether a person can see all characters: well-formed Unicode without invisible or control characters. */
export const isVisible = (label: string): boolean =>
  label.isWellFormed() && !INVISIBLE.test(label.replaceAll(NEEDED, ''));

const EVERY_INVISIBLE = new RegExp(INVISIBLE, 'gv');

/** The text as a label. Characters that no label may have are left out, and so is the end of a long text. */
export function toLabel(text: string): string {
  const visible = isVisible(text) ? text : text.toWellFormed().replaceAll(EVERY_INVISIBLE, '');
  return [...visible.trim()].slice(0, MAX_LABEL_LENGTH).join('').trim();
}
