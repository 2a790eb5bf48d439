/** How many columns of a terminal text takes. */
import { stripVTControlCharacters } from "node:util";

/** Text of one column a character: not worth a closer look. */
const simple = /^[\u0020-\u007e]*$/;
/** Marks that sit on the character before, joiners and other things that take no room. */
const zero = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const emoji = /^\p{Emoji_Presentation}$/u;

type Ranges = ReadonlyArray<readonly [from: number, to: number]>;

/** Of the symbols from U+2000 on, those without room, and those with two columns. */
const symbols = { from: 0x2000, to: 0x2bff };
const zeroSymbols: Ranges = [
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x20d0, 0x20f0],
];
const wideSymbols: Ranges = [
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x23f0, 0x23f0],
  [0x23f3, 0x23f3],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x267f, 0x267f],
  [0x2693, 0x2693],
  [0x26a1, 0x26a1],
  [0x26aa, 0x26ab],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x26ce, 0x26ce],
  [0x26d4, 0x26d4],
  [0x26ea, 0x26ea],
  [0x26f2, 0x26f3],
  [0x26f5, 0x26f5],
  [0x26fa, 0x26fa],
  [0x26fd, 0x26fd],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x274e, 0x274e],
  [0x2753, 0x2755],
  [0x2757, 0x2757],
  [0x2795, 0x2797],
  [0x27b0, 0x27b0],
  [0x27bf, 0x27bf],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
];

/** Wide and full-width characters by Unicode's East Asian Width, beside symbols and emoji. */
const wide: Ranges = [
  [0x1100, 0x115f],
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

const within = (code: number, ranges: Ranges): boolean =>
  ranges.some(([from, to]) => code >= from && code <= to);

/** Columns of one character. Classes of Unicode are asked last: the first question costs 2 ms. */
const widthOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xad) return 0;
  if (code < 0x300) return 1;
  if (code >= symbols.from && code <= symbols.to) {
    if (within(code, zeroSymbols)) return 0;
    return within(code, wideSymbols) ? 2 : 1;
  }
  if (within(code, wide)) return 2;
  if (zero.test(character)) return 0;
  return emoji.test(character) ? 2 : 1;
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
