/** The buckets of a history, laid out to be looked up millions of times. */
import * as Schema from "effect/Schema";
import type { BucketColumn } from "./aggregates.ts";
import type { Request } from "./rowProgram.ts";

/** The buckets of an entity as data. */
export const EntityBuckets = Schema.Struct({
  /** The values that name the entity. */
  key: Schema.Array(Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])),
  /** Number of the hop since 1970-01-01 UTC. */
  hop: Schema.Array(Schema.Int),
  /** What is kept of each hop. */
  columns: Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.Array(Schema.NullOr(Schema.Finite)),
      Schema.Array(Schema.NullOr(Schema.Array(Schema.Finite))),
      Schema.Array(Schema.NullOr(Schema.String)),
    ]),
  ),
});
/** See {@link EntityBuckets}. */
export type EntityBuckets = typeof EntityBuckets.Type;

/** The buckets of one entity, oldest first. */
export interface Buckets {
  readonly hop: Float64Array;
  /** A column of the buckets, by name: numbers as doubles, with NaN where there is none. */
  readonly column: (name: string) => Float64Array | BucketColumn;
  /** A column of texts, of which one is read: `undefined` where there is none. */
  readonly text: (name: string, place: number) => string | undefined;
}

/** The buckets of the entity that a row is of; `undefined` if there are none. */
export type EntityIndex = (row: Request) => Buckets | undefined;

type Level = Map<unknown, Level | Buckets>;

/** Indexes a state by its entities: one map for each column of the key, so that no key is built. */
export const entityIndex = (
  by: ReadonlyArray<string>,
  state: { readonly entities: ReadonlyArray<EntityBuckets> } | undefined,
): EntityIndex => {
  let whole: Buckets | undefined;
  const root: Level = new Map();
  for (const { key, ...buckets } of state?.entities ?? []) {
    const last = key.at(-1);
    if (last === undefined) {
      whole = bucketsOf(buckets);
      continue;
    }
    let level = root;
    for (const part of key.slice(0, -1)) {
      const found = level.get(part);
      const next: Level = found instanceof Map ? found : new Map();
      level.set(part, next);
      level = next;
    }
    level.set(last, bucketsOf(buckets));
  }
  if (by.length === 0) return () => whole;
  return (row) => {
    let found: Level | Buckets | undefined = root;
    for (const column of by) {
      if (!(found instanceof Map)) return undefined;
      found = found.get(row[column] ?? null);
    }
    return found instanceof Map ? undefined : found;
  };
};

const bucketsOf = ({ hop, columns }: Pick<EntityBuckets, "hop" | "columns">): Buckets => {
  const byName = new Map<string, Float64Array | BucketColumn>();
  for (const [name, values] of Object.entries(columns)) {
    if (isNumbers(values)) byName.set(name, Float64Array.from(values, orNaN));
    else if (!isTexts(values)) byName.set(name, values);
  }
  return {
    hop: Float64Array.from(hop),
    column: (name) => byName.get(name) ?? none,
    text: (name, place) => {
      const found = columns[name]?.[place];
      return typeof found === "string" ? found : undefined;
    },
  };
};

type Column = EntityBuckets["columns"][string];

const none = new Float64Array();
const orNaN = (value: number | null): number => value ?? Number.NaN;
const isTexts = (values: Column): values is ReadonlyArray<string | null> =>
  values.some((value) => typeof value === "string");
const isNumbers = (values: Column): values is ReadonlyArray<number | null> =>
  values.every((value) => value === null || typeof value === "number");

/**
 * The place of the first hop at or after `from`. Sums are then taken hop by hop: differences of running
 * totals would lose the small ones beside the large.
 */
export const firstAtOrAfter = (hop: Float64Array, from: number): number => {
  let [low, high] = [0, hop.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((hop[middle] ?? Infinity) < from) low = middle + 1;
    else high = middle;
  }
  return low;
};
