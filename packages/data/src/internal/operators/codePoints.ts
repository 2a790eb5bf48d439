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

const surrogates = /[\ud800-\udfff]/;

/** The number of code points. */
export const lengthOf = (text: string): number => {
  if (!surrogates.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
};

/** `length` code points from the one at `start`, counted from 0. */
export const slice = (text: string, start: number, length: number): string =>
  surrogates.test(text)
    ? [...text].slice(start, start + length).join("")
    : text.slice(start, start + length);
