/** The rules for the label of a key: a name for people, which no other label may look the same as. */
export const MAX_LABEL_LENGTH = 200;

/** Characters that take no place on the screen, or that change the order of others. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/v;

/** The same characters where people use them: to build emoji, to choose a form, to join letters of scripts without case. */
const NEEDED = new RegExp(
  [
    String.raw`\p{RGI_Emoji}`,
    String.raw`(?<=\p{ExtPict}[\p{EMod}\uFE0F]?)\u200D(?=\p{ExtPict})`,
    String.raw`(?<=[\p{Lo}\p{ExtPict}[\p{S}--\p{ASCII}]])\p{Variation_Selector}`,
    String.raw`(?<=[[\p{Lo}\p{M}]--[\p{Ideographic}\p{sc=Hang}\p{sc=Hira}\p{sc=Kana}\p{sc=Zinh}]])[\u200C\u200D]`,
  ].join('|'),
  'gv',
);

/** Whether a person sees all of it: well-formed Unicode without characters that are invisible or control the text. */
export const isVisible = (label: string): boolean =>
  label.isWellFormed() && !INVISIBLE.test(label.replaceAll(NEEDED, ''));
