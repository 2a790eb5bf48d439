/** Names that a person may have meant. */

/** The known names closest to the one asked for, closest first; at most three. */
export const nearest = (asked: string, known: Iterable<string>): ReadonlyArray<string> => {
  const wanted = asked.toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 2));
  return [...new Set(known)]
    .map((name) => ({ name, distance: distanceTo(name.toLowerCase(), wanted) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
};

/** A name that begins as was asked is as near as one with a slip in it. */
const distanceTo = (name: string, wanted: string): number =>
  wanted.length > 1 && name.startsWith(wanted) ? 1 : distance(wanted, name);

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
};
