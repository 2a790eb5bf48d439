/**
 * What is kept of an entity, as bytes: doubles (IEEE 754, little-endian), column by column, so that a
 * lookup takes a view of each column and copies nothing.
 *
 * First the number of buckets and their hops, oldest first; then each column of each history. Of a column
 * of lists these are their lengths, and then their values; of texts, whose column is the last, the numbers
 * of their bytes, and then the bytes (UTF-8). NaN stands for null.
 */
import { type Bucket, type BucketColumn, isList, isText } from "../internal/aggregates.ts";
import type { Buckets } from "../internal/historyIndex.ts";
import type { Series } from "./series.ts";
import type { StoredBucket } from "./shape.ts";

/** Buckets of an entity by hop: of each hop one for each history. */
export type EntityBuckets = ReadonlyMap<number, ReadonlyArray<Bucket>>;

/** The bytes of an entity's buckets. */
export const encode = ({ columns }: Series, buckets: EntityBuckets): Uint8Array => {
  const ordered = [...buckets].toSorted(([a], [b]) => a - b);
  const numbers: Array<number> = [ordered.length, ...ordered.map(([hop]) => hop)];
  const texts: Array<Uint8Array> = [];
  for (const [history, names] of columns.entries()) {
    for (const name of names) {
      const values = ordered
        .map(([, bucket]) => bucket[history]?.[name] ?? null)
        .map((value) => (typeof value === "string" ? utf8.encode(value) : value));
      for (const value of values) if (value instanceof Uint8Array) texts.push(value);
      for (const value of values) numbers.push(lengthOrNumber(value));
      for (const list of values) if (Array.isArray(list)) for (const one of list) numbers.push(one);
    }
  }
  return Buffer.concat([new Uint8Array(Float64Array.from(numbers).buffer), ...texts]);
};

const utf8 = new TextEncoder();

/** The buckets of an entity, laid out to be looked up: one for each history. */
export const layOut = ({ columns }: Series, bytes: Uint8Array): ReadonlyArray<Buckets> => {
  const numbers = numbersOf(bytes);
  const size = numbers[0] ?? 0;
  const hop = numbers.subarray(1, 1 + size);
  let at = 1 + size;
  const take = (count: number) => numbers.subarray(at, (at += count));
  const laidOut = columns.map((names) => {
    const found = names.map((name): Float64Array | BucketColumn => {
      const own = take(size);
      if (!isList(name)) return own;
      return Array.from(own, (length) => (Number.isNaN(length) ? null : Array.from(take(length))));
    });
    return (name: string) => found[names.indexOf(name)] ?? none;
  });
  const texts = bytes.subarray(at * 8);
  return laidOut.map((column) => ({
    hop,
    column,
    // Few are ever read, so that each is made when it is.
    text: (name, place) => {
      const lengths = column(name);
      return lengths instanceof Float64Array ? textAt(texts, lengths, place) : undefined;
    },
  }));
};

/** One of the texts that stand one behind the other, by the numbers of their bytes. */
const textAt = (bytes: Uint8Array, lengths: Float64Array, place: number): string | undefined => {
  const length = lengths[place] ?? Number.NaN;
  if (Number.isNaN(length)) return undefined;
  const from = lengths
    .subarray(0, place)
    .reduce((sum, one) => sum + (Number.isNaN(one) ? 0 : one), 0);
  return toText.decode(bytes.subarray(from, from + length));
};

const toText = new TextDecoder();

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
            const buckets = laidOut[history];
            if (isText(name)) return [name, buckets?.text(name, place) ?? null];
            const value = buckets?.column(name)[place] ?? null;
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

const lengthOrNumber = (value: number | null | Uint8Array | ReadonlyArray<number>): number => {
  if (value === null) return Number.NaN;
  return typeof value === "object" ? value.length : value;
};

const none = new Float64Array();

const numbersOf = (bytes: Uint8Array): Float64Array => {
  const count = Math.floor(bytes.byteLength / 8);
  return bytes.byteOffset % 8 === 0
    ? new Float64Array(bytes.buffer, bytes.byteOffset, count)
    : new Float64Array(new Uint8Array(bytes).buffer, 0, count);
};
