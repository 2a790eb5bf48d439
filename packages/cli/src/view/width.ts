/** How many columns of a terminal text takes. */
import { stripVTControlCharacters } from "node:util";

/** Text of one column a character: not worth a closer look. */
const simple = /^[\u0020-\u007e]*$/;
/** Marks that sit on the character before, joiners and other things that take no room. */
const zero = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const emoji = /^\p{Emoji_Presentation}$/u;

/** Wide and full-width characters by Unicode's East Asian Width, beside emoji. */
const wide: ReadonlyArray<readonly [from: number, to: number]> = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2fb],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

/** Columns of one character. */
const widthOf = (character: string): number => {
  if (simple.test(character)) return 1;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0) || zero.test(character)) return 0;
  return emoji.test(character) || wide.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
};

/**
 * Number of columns that text takes, whatever its colours. Characters are added up, as most terminals
 * do: one that joins emoji into one picture takes less room, and none takes more.
 */
export const width = (text: string): number => {
  const plain = text.includes("\u001b") ? stripVTControlCharacters(text) : text;
  if (simple.test(plain)) return plain.length;
  let columns = 0;
  let before = 0;
  for (const character of plain) {
    // "Show the one before as an emoji": some terminals then make it wide.
    const own = character === "\ufe0f" && before === 1 ? 1 : widthOf(character);
    columns += own;
    before = own;
  }
  return columns;
};

/** Text filled up with spaces on the right. */
export const pad = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - width(text)));

/** Text filled up with spaces on the left. */
export const padStart = (text: string, columns: number): string =>
  " ".repeat(Math.max(0, columns - width(text))) + text;

/** Plain text cut to a number of columns, with `…` where something is missing. */
export const cut = (text: string, columns: number): string => {
  if (columns <= 0) return "";
  if (width(text) <= columns) return text;
  let kept = "";
  let taken = 0;
  for (const character of text) {
    const own = width(character);
    if (taken + own > columns - 1) break;
    kept += character;
    taken += own;
  }
  return `${kept}…`;
};
