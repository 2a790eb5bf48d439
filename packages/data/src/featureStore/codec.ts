/** Buckets as bytes: doubles (IEEE 754, little-endian), a list with its length before it. */
import { type Bucket, type BucketColumn, isList } from "../internal/aggregates.ts";
import type { Buckets } from "../internal/historyIndex.ts";
import type { Series } from "./series.ts";

/** The bytes of a bucket. NaN stands for null. */
export const encode = ({ columns }: Series, bucket: ReadonlyArray<Bucket>): Uint8Array => {
  const numbers: Array<number> = [];
  for (const [index, names] of columns.entries()) {
    for (const name of names) {
      const value = bucket[index]?.[name] ?? null;
      if (typeof value === "object" && value !== null) {
        numbers.push(value.length);
        for (const one of value) numbers.push(one);
      } else {
        numbers.push(value ?? Number.NaN);
      }
    }
  }
  return new Uint8Array(Float64Array.from(numbers).buffer);
};

/** The bucket of the bytes. */
export const decode = (series: Series, bytes: Uint8Array): ReadonlyArray<Bucket> => {
  const buckets: ReadonlyArray<Bucket> = series.columns.map(() => ({}));
  walk(series, numbersOf(bytes), (history, name, value) => {
    const bucket = buckets[history];
    if (bucket !== undefined) bucket[name] = value;
  });
  return buckets;
};

/** The buckets of an entity, oldest first, laid out to be looked up: one for each history. */
export const layOut = (
  series: Series,
  stored: ReadonlyArray<{ readonly hop: number; readonly bytes: Uint8Array }>,
): ReadonlyArray<Buckets> => {
  const hop = Float64Array.from(stored, (one) => one.hop);
  const columns = series.columns.map(
    (names) =>
      new Map(
        names.map((name): [string, Float64Array | Array<ReadonlyArray<number> | null>] => [
          name,
          isList(name) ? [] : new Float64Array(stored.length),
        ]),
      ),
  );
  for (const [place, { bytes }] of stored.entries()) {
    walk(series, numbersOf(bytes), (history, name, value) => {
      const column = columns[history]?.get(name);
      if (column instanceof Float64Array) {
        column[place] = typeof value === "number" ? value : Number.NaN;
      } else {
        column?.push(typeof value === "number" ? null : value);
      }
    });
  }
  return columns.map((byName) => ({
    hop,
    column: (name): Float64Array | BucketColumn => byName.get(name) ?? none,
  }));
};

const none = new Float64Array();

const numbersOf = (bytes: Uint8Array): Float64Array =>
  bytes.byteOffset % 8 === 0
    ? new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
    : new Float64Array(new Uint8Array(bytes).buffer);

const walk = (
  { columns }: Series,
  numbers: Float64Array,
  visit: (history: number, name: string, value: number | null | ReadonlyArray<number>) => void,
): void => {
  let at = 0;
  for (const [history, names] of columns.entries()) {
    for (const name of names) {
      const first = numbers[at++] ?? Number.NaN;
      if (Number.isNaN(first)) visit(history, name, null);
      else if (isList(name)) visit(history, name, Array.from(numbers.subarray(at, (at += first))));
      else visit(history, name, first);
    }
  }
};
