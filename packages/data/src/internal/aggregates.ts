/**
 * What a history can be over the rows of a window, in both compilers side by side. Rows are first put
 * together in buckets, one for each entity and hop; a window is put together from its buckets.
 */
import { codeOf, codesSql, estimate, estimateSql, withCode } from "./hyperLogLog.ts";
import { numberSql } from "./operators/Operator.ts";

/** A column of buckets: a number each, or a list of numbers. Null where a bucket has no value. */
export type BucketColumn =
  | ReadonlyArray<number | null>
  | ReadonlyArray<ReadonlyArray<number> | null>;

/** What the SQL of a bucket is made of. */
interface BucketInput {
  /** The value of a row as a double. */
  readonly value: string;
  /** Milliseconds of the row's event as a double. */
  readonly at: string;
  /** Values are whole numbers, whose sums are exact in any order. */
  readonly whole: boolean;
}

interface WindowInput {
  /** The name of a bucket's column. */
  readonly column: (name: string) => string;
  /** `OVER (…)`: the buckets of the window. */
  readonly over: string;
  /** The hop at which the window ends, which is not in it. */
  readonly end: string;
  readonly hopMs: number;
  readonly param: number;
}

/** The buckets of a window, oldest first: places `from` to `to` of an entity's columns. */
interface FoldInput {
  readonly hop: Float64Array;
  readonly column: (name: string) => BucketColumn | Float64Array;
  readonly from: number;
  readonly to: number;
  readonly end: number;
  readonly hopMs: number;
  readonly param: number;
}

/** What a bucket keeps, by column: a number, numbers in order of size, or text. */
export interface Bucket {
  [column: string]: number | null | string | ReadonlyArray<number>;
}

/** A row that enters a bucket: its value, and the milliseconds of its event. */
export interface Entry {
  readonly value: number;
  readonly at: number;
}

interface Aggregate {
  /** SQL aggregates over the rows of a bucket. */
  readonly bucket: (input: BucketInput) => { readonly [column: string]: string };
  /** The same in JavaScript, row by row in any order: adds one to a bucket that may still be empty. */
  readonly add: (bucket: Bucket, entry: Entry) => void;
  /** The columns of a bucket without rows; absent ones are null. */
  readonly empty?: Bucket;
  /** SQL of the value over the buckets of a window. */
  readonly window: (input: WindowInput) => string;
  /** The same in JavaScript. */
  readonly fold: (input: FoldInput) => number | null;
  /** By how much the two may differ, relative to the value. */
  readonly relativeError?: number;
}

/** Null unless finite. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const count = ({ value }: BucketInput) => `CAST(count(${value}) AS DOUBLE)`;

/**
 * A sum that is the same on any number of threads. Whole numbers are exact in any order; others are
 * summed in order of size, which takes longer.
 */
const sum = ({ value, whole }: BucketInput) =>
  whole ? `sum(${value})` : `sum(${value} ORDER BY ${value})`;

/** All values of a bucket, in order of size. */
const values = ({ value }: BucketInput) =>
  `list(${value} ORDER BY ${value}) FILTER (WHERE ${value} IS NOT NULL)`;

const numberIn = (bucket: Bucket, column: string): number => {
  const value = bucket[column];
  return typeof value === "number" ? value : 0;
};

const addTo = (bucket: Bucket, column: string, value: number): void => {
  bucket[column] = numberIn(bucket, column) + value;
};

const addSum = (bucket: Bucket, { value }: Entry): void => {
  addTo(bucket, "count", 1);
  addTo(bucket, "sum", value);
};

/** Puts a value into its place; where `once`, only if it is not there. */
const insert = (bucket: Bucket, value: number, once: boolean): void => {
  const values = bucket["values"];
  const sorted = typeof values === "object" && values !== null ? values : [];
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  if (once && sorted[low] === value) return;
  bucket["values"] = [...sorted.slice(0, low), value, ...sorted.slice(low)];
};

const total = ({ column, from, to }: FoldInput, name: string): number => {
  const numbers = column(name);
  let all = 0;
  for (let index = from; index < to; index++) {
    const one = numbers[index];
    if (typeof one === "number" && !Number.isNaN(one)) all += one;
  }
  return all;
};

/** The numbers of a column inside the window that are there. */
function* numbersOf({ column, from, to }: FoldInput, name: string): Generator<number> {
  const numbers = column(name);
  for (let index = from; index < to; index++) {
    const one = numbers[index];
    if (typeof one === "number" && !Number.isNaN(one)) yield one;
  }
}

/** The numbers of a column of lists inside the window. */
function* listed({ column, from, to }: FoldInput, name: string): Generator<number> {
  const lists = column(name);
  for (let index = from; index < to; index++) {
    const one = lists[index];
    if (one !== null && typeof one === "object") yield* one;
  }
}

const extreme = (name: "min" | "max", better: (a: number, b: number) => boolean): Aggregate => ({
  bucket: ({ value }) => ({ [name]: `${name}(${value})` }),
  add: (bucket, { value }) => {
    const best = bucket[name];
    if (typeof best !== "number" || better(value, best)) bucket[name] = value;
  },
  window: ({ column, over }) => `${name}(${column(name)}) ${over}`,
  fold: (input) => {
    let best: number | null = null;
    for (const one of numbersOf(input, name)) if (best === null || better(one, best)) best = one;
    return best;
  },
});

/** The value of the row with the first or the last event; of equal events, the smaller or larger one. */
const ending = (name: "first" | "last", pick: "min" | "max", sign: 1 | -1): Aggregate => ({
  bucket: ({ value, at }) => ({
    [name]: `arg_${pick}(${value}, ROW(${at}, ${value})) FILTER (WHERE ${value} IS NOT NULL)`,
    [`${name}At`]: `${pick}(${at}) FILTER (WHERE ${value} IS NOT NULL)`,
  }),
  add: (bucket, { value, at }) => {
    const [best, bestAt] = [bucket[name], bucket[`${name}At`]];
    const later = typeof bestAt === "number" ? sign * (at - bestAt) : 1;
    if (later > 0 || (later === 0 && typeof best === "number" && sign * (value - best) > 0)) {
      bucket[name] = value;
      bucket[`${name}At`] = at;
    }
  },
  window: ({ column, over }) =>
    `arg_${pick}(${column(name)}, ROW(${column(`${name}At`)}, ${column(name)})) FILTER (WHERE ${column(name)} IS NOT NULL) ${over}`,
  fold: (input) => {
    const [ones, times] = [input.column(name), input.column(`${name}At`)];
    let [best, bestAt] = [Number.NaN, Number.NaN];
    for (let index = input.from; index < input.to; index++) {
      const [one, at] = [ones[index], times[index]];
      if (typeof one !== "number" || typeof at !== "number" || Number.isNaN(one)) continue;
      const later = sign * (at - bestAt);
      if (Number.isNaN(best) || later > 0 || (later === 0 && sign * (one - best) > 0)) {
        [best, bestAt] = [one, at];
      }
    }
    return finite(best);
  },
});

/** The weighted sum of a bucket column: half for each half-life (`param`, ms) since its hop. */
const decayedSql = (name: string, { column, over, end, hopMs, param }: WindowInput): string =>
  `list_sum(list_transform(list({'h': "~hop", 'x': ${column(name)}}) FILTER (WHERE ${column(name)} IS NOT NULL) ${over}, lambda "~b": "~b".x * power(5e-1, (${end} - 1 - "~b".h) * ${numberSql(hopMs / param)})))`;
const decayed = (input: FoldInput, name: string): number => {
  const { hop, column, from, to, end, hopMs, param } = input;
  const numbers = column(name);
  let all = 0;
  for (let index = from; index < to; index++) {
    const one = numbers[index];
    if (typeof one !== "number" || Number.isNaN(one)) continue;
    all += one * 0.5 ** ((end - 1 - (hop[index] ?? Number.NaN)) * (hopMs / param));
  }
  return all;
};

/** Sums of doubles can differ in the last digits where buckets are added in another order. */
const bySum = 1e-9;

export const aggregates = {
  /** 0 where there are none. */
  count: {
    bucket: (input) => ({ count: count(input) }),
    add: (bucket) => addTo(bucket, "count", 1),
    empty: { count: 0 },
    window: ({ column, over }) => `coalesce(sum(${column("count")}) ${over}, 0)`,
    fold: (input) => total(input, "count"),
  },
  sum: {
    bucket: (input) => ({ count: count(input), sum: sum(input) }),
    add: addSum,
    empty: { count: 0 },
    window: ({ column, over }) =>
      `(CASE WHEN sum(${column("count")}) ${over} > 0 AND isfinite(sum(${column("sum")}) ${over}) THEN sum(${column("sum")}) ${over} END)`,
    fold: (input) => (total(input, "count") > 0 ? finite(total(input, "sum")) : null),
    relativeError: bySum,
  },
  mean: {
    bucket: (input) => ({ count: count(input), sum: sum(input) }),
    add: addSum,
    empty: { count: 0 },
    window: ({ column, over }) => {
      const mean = `sum(${column("sum")}) ${over} / nullif(sum(${column("count")}) ${over}, 0)`;
      return `(CASE WHEN isfinite(${mean}) THEN ${mean} END)`;
    },
    fold: (input) => finite(total(input, "sum") / total(input, "count")),
    relativeError: bySum,
  },
  min: extreme("min", (a, b) => a < b),
  max: extreme("max", (a, b) => a > b),
  /** With n − 1; null for fewer than two. Each bucket keeps its squared deviations from its own mean. */
  variance: {
    bucket: (input) => ({
      count: count(input),
      sum: sum(input),
      deviations: `coalesce(list_aggregate(${values(input)}, 'var_pop'), 0) * ${count(input)}`,
    }),
    // Welford's step.
    add: (bucket, entry) => {
      const n = numberIn(bucket, "count");
      if (n > 0) {
        const off = entry.value - numberIn(bucket, "sum") / n;
        addTo(bucket, "deviations", (off * off * n) / (n + 1));
      }
      addSum(bucket, entry);
    },
    empty: { count: 0, deviations: 0 },
    window: ({ column, over }) => {
      const n = `sum(${column("count")}) ${over}`;
      const s = `sum(${column("sum")}) ${over}`;
      const inside = `sum(${column("deviations")}) ${over}`;
      const between = `sum(${column("sum")} * ${column("sum")} / nullif(${column("count")}, 0)) ${over}`;
      const variance = `greatest((${inside} + ${between} - ${s} * ${s} / ${n}) / (${n} - 1), 0)`;
      return `(CASE WHEN ${n} > 1 AND isfinite(${variance}) THEN ${variance} END)`;
    },
    fold: (input) => {
      const [counts, sums] = [input.column("count"), input.column("sum")];
      let between = 0;
      for (let index = input.from; index < input.to; index++) {
        const [n, s] = [counts[index], sums[index]];
        if (typeof n === "number" && typeof s === "number" && n > 0) between += (s * s) / n;
      }
      const [n, s] = [total(input, "count"), total(input, "sum")];
      if (n <= 1) return null;
      return finite(Math.max((total(input, "deviations") + between - (s * s) / n) / (n - 1), 0));
    },
    relativeError: 1e-6,
  },
  /** 0 where there are none. Exact: a window keeps each value once a hop. */
  distinct: {
    bucket: ({ value }) => ({
      values: `list(DISTINCT ${value} ORDER BY ${value}) FILTER (WHERE ${value} IS NOT NULL)`,
    }),
    add: (bucket, { value }) => insert(bucket, value, true),
    window: ({ column, over }) =>
      `CAST(coalesce(len(list_distinct(flatten(list(${column("values")}) ${over}))), 0) AS DOUBLE)`,
    // Adding 0 makes −0 the 0 that it equals.
    fold: (input) => new Set(Array.from(listed(input, "values"), (one) => one + 0)).size,
  },
  /** The same by a sketch: see `hyperLogLog.ts`. */
  distinctSketch: {
    bucket: ({ value }) => ({ values: codesSql(value) }),
    add: (bucket, { value }) => {
      const codes = bucket["values"];
      const before = typeof codes === "object" && codes !== null ? codes : [];
      bucket["values"] = withCode(before, codeOf(value));
    },
    window: ({ column, over }) => estimateSql(`list(${column("values")}) ${over}`),
    fold: (input) => estimate(listed(input, "values")),
    relativeError: 1e-9,
  },
  first: ending("first", "min", -1),
  last: ending("last", "max", 1),
  /** At `param`, 0 to 1, with linear interpolation (type 7 of Hyndman & Fan 1996). */
  quantile: {
    bucket: (input) => ({ values: values(input) }),
    add: (bucket, { value }) => insert(bucket, value, false),
    window: ({ column, over, param }) =>
      `list_aggregate(flatten(list(${column("values")}) ${over}), 'quantile_cont', ${param})`,
    fold: (input) => {
      const sorted = Float64Array.from(listed(input, "values")).toSorted();
      if (sorted.length === 0) return null;
      const place = input.param * (sorted.length - 1);
      const [low = 0, high = low] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
      return finite(low + (high - low) * (place - Math.floor(place)));
    },
    relativeError: 1e-12,
  },
  /** Each hop counts half as much a half-life (`param`, ms) later; the newest hop counts in full. */
  decayedSum: {
    bucket: (input) => ({ sum: sum(input) }),
    add: (bucket, { value }) => addTo(bucket, "sum", value),
    window: (input) => `coalesce(${decayedSql("sum", input)}, 0)`,
    fold: (input) => decayed(input, "sum"),
    relativeError: bySum,
  },
  decayedMean: {
    bucket: (input) => ({ count: count(input), sum: sum(input) }),
    add: addSum,
    empty: { count: 0 },
    window: (input) => {
      const mean = `${decayedSql("sum", input)} / nullif(${decayedSql("count", input)}, 0)`;
      return `(CASE WHEN isfinite(${mean}) THEN ${mean} END)`;
    },
    fold: (input) => finite(decayed(input, "sum") / decayed(input, "count")),
    relativeError: bySum,
  },
} as const satisfies { readonly [name: string]: Aggregate };

/** The name of an aggregate. */
export type AggregateName = keyof typeof aggregates;

/** Their names. */
export const aggregateNames: ReadonlyArray<AggregateName> = Object.keys(aggregates).filter(
  (name): name is AggregateName => Object.hasOwn(aggregates, name),
);

/** An aggregate by name. */
export const aggregateOf = (name: AggregateName): Aggregate => aggregates[name];

/** Whether a column of buckets holds lists. */
export const isList = (column: string): boolean => column === "values";

/** Whether a column of buckets holds texts. */
export const isText = (column: string): boolean => column === "row";
