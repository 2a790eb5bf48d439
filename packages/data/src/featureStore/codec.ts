/**
 * What is kept of an entity, as bytes: doubles (IEEE 754, little-endian), column by column, so that a
 * lookup takes a view of each column and copies nothing.
 *
 * First the number of buckets and their hops, oldest first; then each column of each history. Of a column
 * of lists these are their lengths, and then their values. NaN stands for null.
 */
import { type Bucket, type BucketColumn, isList } from "../internal/aggregates.ts";
import type { Buckets } from "../internal/historyIndex.ts";
import type { Series } from "./series.ts";
import type { StoredBucket } from "./shape.ts";

/** Buckets of an entity by hop: of each hop one for each history. */
export type EntityBuckets = ReadonlyMap<number, ReadonlyArray<Bucket>>;

/** The bytes of an entity's buckets. */
export const encode = ({ columns }: Series, buckets: EntityBuckets): Uint8Array => {
  const ordered = [...buckets].toSorted(([a], [b]) => a - b);
  const numbers: Array<number> = [ordered.length, ...ordered.map(([hop]) => hop)];
  for (const [history, names] of columns.entries()) {
    for (const name of names) {
      const values = ordered.map(([, bucket]) => bucket[history]?.[name] ?? null);
      const lists = values.filter((value) => typeof value === "object" && value !== null);
      for (const value of values) numbers.push(lengthOrNumber(value));
      for (const list of lists) for (const one of list) numbers.push(one);
    }
  }
  return new Uint8Array(Float64Array.from(numbers).buffer);
};

/** The buckets of an entity, laid out to be looked up: one for each history. */
export const layOut = ({ columns }: Series, bytes: Uint8Array): ReadonlyArray<Buckets> => {
  const numbers = numbersOf(bytes);
  const size = numbers[0] ?? 0;
  const hop = numbers.subarray(1, 1 + size);
  let at = 1 + size;
  const take = (count: number) => numbers.subarray(at, (at += count));
  return columns.map((names) => {
    const found = names.map((name): Float64Array | BucketColumn => {
      const own = take(size);
      if (!isList(name)) return own;
      return Array.from(own, (length) => (Number.isNaN(length) ? null : Array.from(take(length))));
    });
    return { hop, column: (name) => found[names.indexOf(name)] ?? none };
  });
};

/** The buckets of the bytes. */
export const decode = (series: Series, bytes: Uint8Array | undefined): EntityBuckets => {
  if (bytes === undefined) return new Map();
  const laidOut = layOut(series, bytes);
  const hops = laidOut[0]?.hop ?? none;
  return new Map(
    Array.from(hops, (hop, place) => [
      hop,
      series.columns.map((names, history) =>
        Object.fromEntries(
          names.map((name): [string, Bucket[string]] => {
            const value = laidOut[history]?.column(name)[place] ?? null;
            return [name, typeof value === "number" && Number.isNaN(value) ? null : value];
          }),
        ),
      ),
    ]),
  );
};

/** The bytes of an entity without the hops that are not kept, and with other buckets; none if it is empty. */
export const edit = (
  series: Series,
  before: EntityBuckets,
  keeps: (hop: number) => boolean,
  puts: ReadonlyArray<StoredBucket>,
): Uint8Array | undefined => {
  const buckets = new Map([...before].filter(([hop]) => keeps(hop)));
  for (const { hop, columns } of puts) buckets.set(hop, columns);
  return buckets.size === 0 ? undefined : encode(series, buckets);
};

const lengthOrNumber = (value: Bucket[string]): number => {
  if (value === null) return Number.NaN;
  return typeof value === "object" ? value.length : value;
};

const none = new Float64Array();

const numbersOf = (bytes: Uint8Array): Float64Array =>
  bytes.byteOffset % 8 === 0
    ? new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
    : new Float64Array(new Uint8Array(bytes).buffer);
