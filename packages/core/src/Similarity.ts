/** How alike two names are: for what was probably renamed, or meant. */

/**
 * 1 for names that differ in case and punctuation at most, 0.9 if one contains the other, down to 0 for
 * names with nothing in common: one less the share of the letters that would have to be changed
 * (Levenshtein's distance over the longer length).
 *
 * @example
 * ```ts
 * import { Similarity } from "@ml-pipe/core";
 *
 * const same: number = Similarity.ofNames("arrivalDelay", "arrival_delay"); // 1
 * ```
 */
export const ofNames = (a: string, b: string): number => {
  const [left, right] = [plain(a), plain(b)];
  if (left.length === 0 || right.length === 0) return 0;
  if (left === right) return 1;
  if (left.includes(right) || right.includes(left)) return 0.9;
  return 1 - editDistance(left, right) / Math.max(left.length, right.length);
};

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

/** Levenshtein distance. */
const editDistance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
};
