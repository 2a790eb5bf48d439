/** Numbers, times and lines as people read them. */
import * as path from "node:path";
import { pad, width } from "./width.ts";

export { cut, pad, padStart, width } from "./width.ts";

/** `870 ms`, `1.2 s`, `42 s`, `3 min 5 s`, `2 h 4 min`. */
export const duration = (millis: number): string => {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))} ms`;
  if (millis < 9_950) return `${(millis / 1_000).toFixed(1)} s`;
  const seconds = Math.round(millis / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joined(`${minutes} min`, seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joined(`${hours} h`, minutes % 60, "min");
  return joined(`${Math.floor(hours / 24)} days`, hours % 24, "h");
};

const joined = (head: string, rest: number, unit: string): string =>
  rest === 0 ? head : `${head} ${rest} ${unit}`;

// Numbers are formatted by hand: the first use of `Intl` in a process costs it 8 ms.

/** `1,234,567`. */
export const count = (value: number): string => {
  const [whole = "", decimals] = String(Math.round(value * 1_000) / 1_000).split(".");
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
};

/** `950`, `633K`, `1.9M`: where there is little room. */
export const compact = (value: number): string => {
  const rounded = Number(value.toPrecision(3));
  const step = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.abs(rounded) || 1) / 3)));
  return `${Number((rounded / 1_000 ** step).toPrecision(3))}${["", "K", "M", "B", "T"][step]}`;
};

/** `1 row`, `2 rows`. */
export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** An instant in UTC to the second: `2026-11-24 07:23:42Z`. */
export const instant = (at: Date): string =>
  at
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z/, "Z");

/** `just now`, `12 s ago`. */
export const ago = (at: Date, now: Date): string => {
  const millis = now.getTime() - at.getTime();
  return millis < 10_000 ? "just now" : `${duration(millis)} ago`;
};

/** A file as seen from the current folder, unless that makes it longer. */
export const shortPath = (file: string): string => {
  const relative = path.relative(process.cwd(), file);
  return relative === "" || relative.length >= file.length || path.isAbsolute(relative)
    ? file
    : relative;
};

/** Every line of a text moved to the right. */
export const indent = (text: string, by: string): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? "" : by + line))
    .join("\n");

/** Rows as aligned columns. The last column is not filled up. */
export const columns = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  gap = "  ",
): ReadonlyArray<string> => {
  const widths: Array<number> = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, width(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : pad(cell, widths[index] ?? 0)))
      .join(gap)
      .trimEnd(),
  );
};

/** Those of `names` that someone who typed `typed` may have meant, best first. */
export const similar = (typed: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names
    .map((name) => [name, distance(typed.toLowerCase(), name.toLowerCase())] as const)
    .filter(
      ([name, far]) => far <= Math.max(2, Math.floor(name.length / 3)) || name.startsWith(typed),
    )
    .toSorted(([, a], [, b]) => a - b)
    .slice(0, 3)
    .map(([name]) => name);

/** Levenshtein's edit distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
