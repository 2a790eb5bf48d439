/** Text as code points, which SQL counts and orders by; JavaScript does both by UTF-16 units. */

/**
 * The order of two texts by code points: below 0, 0 or above. UTF-16 units order the same, but for
 * those of characters beyond U+FFFF, which come before U+E000 to U+FFFF.
 */
export const compareText = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const [x, y] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
};

const rank = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;

/** The number of code points: of the UTF-16 units, those that do not end a pair. */
export const lengthOf = (text: string): number => {
  let count = text.length;
  for (let index = 1; index < text.length; index++) if (endsPair(text, index)) count--;
  return count;
};

/** `length` code points from the one at `start`, counted from 0. */
export const slice = (text: string, start: number, length: number): string => {
  const from = unitAt(text, 0, start);
  return text.slice(from, unitAt(text, from, length));
};

/** The place of the unit that is `codePoints` code points after the one at `from`, or the end. */
const unitAt = (text: string, from: number, codePoints: number): number => {
  let index = from;
  for (let left = codePoints; left > 0 && index < text.length; left--) {
    index += endsPair(text, index + 1) ? 2 : 1;
  }
  return index;
};

/** Whether a unit is the second one of a pair that stands for one code point. */
const endsPair = (text: string, index: number): boolean =>
  isBetween(text.charCodeAt(index), 0xdc00, 0xdfff) &&
  isBetween(text.charCodeAt(index - 1), 0xd800, 0xdbff);

const isBetween = (unit: number, from: number, to: number): boolean => unit >= from && unit <= to;
