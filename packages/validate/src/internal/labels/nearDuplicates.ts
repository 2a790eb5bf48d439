/** Rows that are nearly the same: much nearer to one another than neighbours usually are. */
import type { Column } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { FeatureRows } from "./sameFeatures.ts";

/** How near is near, and how many rows are compared. */
export interface NearOptions {
  /** Share of the median distance to the nearest neighbour; 0.13 as in cleanlab. */
  readonly threshold: number;
  /** Rows compared at most. */
  readonly maxRows: number;
}

/** What {@link nearDuplicates} found, or why it could not look. */
export type NearDuplicates =
  | { readonly _tag: "could not run"; readonly why: string }
  | {
      readonly _tag: "compared";
      /** Rows compared: all of them, or as many as {@link NearOptions.maxRows}. */
      readonly rows: number;
      /** Rows with another nearer than the radius, exact copies not counted. */
      readonly near: number;
      /**
       * Rows that would be as near by chance, if rows were strewn evenly over as many dimensions as there
       * are number columns: by a share of 1 - 2^(-threshold^dimensions), from the distances to the nearest
       * neighbour of Clark & Evans, Ecology 35(4), 1954. Many in one dimension, next to none in five.
       */
      readonly expected: number;
      /** Pairs of near rows with different labels. */
      readonly conflicting: number;
      /** Row numbers of the first pairs. */
      readonly pairs: ReadonlyArray<readonly [number, number]>;
      /** Whether every pair was looked at. */
      readonly complete: boolean;
    };

/** Rows whose nearest neighbour is looked for, to see how near neighbours usually are. */
const probes = 500;
/** Steps after which the search stops, and says so. */
const mostSteps = 200_000_000;
/** Stretches of rows that are compared, where there are too many for all. */
const stretches = 20;
const shown = 10;

/**
 * Number columns are scaled by their quartiles; all other columns, and which numbers are missing, must be
 * equal. Rows are put in order of a fixed projection, on which two rows are never farther apart than they
 * are: so a row need only be compared with those that follow within the radius, and none is missed.
 * Where there are more than `maxRows`, evenly spaced stretches of that order are compared, in which
 * neighbours are as near as in the whole table.
 */
export const nearDuplicates = Effect.fnUntraced(function* (
  rows: FeatureRows & {
    readonly types: { readonly [column: string]: Column.ColumnType };
    readonly labelled: number;
  },
  { threshold, maxRows }: NearOptions,
): Effect.fn.Return<NearDuplicates, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const operation = "find near-duplicates";
  const { relation, labelled } = rows;
  const label = Duckdb.identifier(rows.label);
  const numeric = rows.features.filter((name) => ["int", "float"].includes(rows.types[name] ?? ""));
  const others = rows.features.filter((name) => !numeric.includes(name)).map(Duckdb.identifier);
  if (numeric.length === 0) return couldNotRun("no feature is a number");
  if (labelled < 3) return couldNotRun("there are fewer than three rows with a label");
  const names = numeric.map(Duckdb.identifier);
  const quartiles = yield* db.rows(
    operation,
    `SELECT ${names.map((name, j) => `quantile_disc(${name}::DOUBLE, [0.25, 0.75]) FILTER (WHERE isfinite(${name}::DOUBLE)) AS q${j}, min(${name}::DOUBLE) FILTER (WHERE isfinite(${name}::DOUBLE)) AS a${j}, max(${name}::DOUBLE) FILTER (WHERE isfinite(${name}::DOUBLE)) AS z${j}`).join(", ")}
     FROM ${relation} WHERE ${label} IS NOT NULL`,
  );
  const scales = names.map((_, j) => scaleOf(quartiles[0] ?? {}, j));
  const used = names.flatMap((name, j) =>
    scales[j] === undefined ? [] : [{ name, scale: scales[j] }],
  );
  if (used.length === 0) return couldNotRun("every number is the same in all rows");
  const scaled = used.map(({ name, scale }) => `${name}::DOUBLE / ${scale}::DOUBLE`);
  const weights = projection(used.length);
  const projected = scaled
    .map((sql, j) => `coalesce(${sql}, 0) * ${weights[j]}::DOUBLE`)
    .join(" + ");
  const block = [
    ...others.map((name) => `CAST(${name} AS VARCHAR)`),
    ...used.map(({ name }) => `${name} IS NULL`),
  ];
  const finite = used.map(({ name }) => `coalesce(isfinite(${name}::DOUBLE), true)`).join(" AND ");
  const ordered = `(SELECT *, row_number() OVER (ORDER BY "~block", "~p", file_row_number) - 1 AS "~n", count(*) OVER () AS "~all"
    FROM (SELECT *, (hash(${block.join(", ")}) >> 12)::DOUBLE AS "~block", ${projected} AS "~p", dense_rank() OVER (ORDER BY ${label}) AS "~label"
      FROM ${relation} WHERE ${label} IS NOT NULL AND ${finite}))`;
  const each = Math.max(1, Math.floor(maxRows / stretches));
  const chosen =
    labelled <= maxRows
      ? ordered
      : `(FROM ${ordered} WHERE "~n" - ("~n" * ${stretches} // "~all") * "~all" // ${stretches} < ${each})`;
  const [count] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${chosen}`);
  const { columns } = yield* db.numericColumns(operation, {
    from: `(FROM ${chosen} ORDER BY "~n")`,
    select: ["file_row_number", '"~block"', '"~p"', '"~label"', '"~n"', ...scaled],
    rows: Number(count?.["n"] ?? 0),
  });
  const [row = none, blocks = none, p = none, labels = none, place = none, ...values] = columns;
  // A missing number is missing in all rows of a block.
  for (const column of values) column.forEach((x, i) => Number.isNaN(x) && (column[i] = 0));
  yield* Effect.yieldNow;
  return search({ row, blocks, p, labels, place, values }, threshold);
});

interface Ordered {
  readonly row: Float64Array;
  readonly blocks: Float64Array;
  readonly p: Float64Array;
  readonly labels: Float64Array;
  /** Place in the order of all rows: a gap separates stretches. */
  readonly place: Float64Array;
  readonly values: ReadonlyArray<Float64Array>;
}

const search = (rows: Ordered, threshold: number): NearDuplicates => {
  const { row, p, labels } = rows;
  const size = row.length;
  const nearest: Array<number> = [];
  const step = Math.max(1, Math.floor(size / probes));
  for (let i = 0; i < size; i += step) {
    const distance = nearestTo(rows, i);
    if (Number.isFinite(distance)) nearest.push(distance);
  }
  if (nearest.length === 0) return couldNotRun("no two rows agree in what is not a number");
  const radius = threshold * median(nearest);
  if (radius === 0) return couldNotRun("more than half of the rows are exact copies of another");
  const isNear = new Uint8Array(size);
  const pairs: Array<readonly [number, number]> = [];
  let [conflicting, steps] = [0, 0];
  for (let i = 0; i < size && steps < mostSteps; i++) {
    for (let j = i + 1; j < size && together(rows, i, j) && p[j]! - p[i]! <= radius; j++) {
      steps++;
      const distance = distanceWithin(rows, i, j, radius);
      if (distance === 0 || distance >= radius) continue;
      isNear[i] = isNear[j] = 1;
      if (labels[i] !== labels[j]) conflicting++;
      if (pairs.length < 10 * shown) pairs.push(ascending(row[i]!, row[j]!));
    }
  }
  return {
    _tag: "compared",
    rows: size,
    near: isNear.reduce((sum, one) => sum + one, 0),
    expected: size * (1 - 2 ** -(threshold ** rows.values.length)),
    conflicting,
    pairs: pairs.toSorted(([a, b], [c, d]) => a - c || b - d).slice(0, shown),
    complete: steps < mostSteps,
  };
};

const none = new Float64Array();

const couldNotRun = (why: string): NearDuplicates => ({ _tag: "could not run", why });

const ascending = (a: number, b: number): readonly [number, number] => (a < b ? [a, b] : [b, a]);

/** Whether two rows are of one block, and of one stretch. */
const together = ({ blocks, place }: Ordered, i: number, j: number): boolean =>
  blocks[i] === blocks[j] && Math.abs(place[j]! - place[i]!) === Math.abs(j - i);

/** The Euclidean distance of two rows, or infinity as soon as it is not below `limit`. */
const distanceWithin = ({ values }: Ordered, i: number, j: number, limit: number): number => {
  const most = limit * limit;
  let sum = 0;
  for (const column of values) {
    const difference = column[i]! - column[j]!;
    sum += difference * difference;
    if (sum > most) return Infinity;
  }
  return Math.sqrt(sum);
};

/** The distance of a row to its nearest neighbour, both ways along the projection until none can be nearer. */
const nearestTo = (rows: Ordered, i: number): number => {
  const { p } = rows;
  let best = Infinity;
  for (const direction of [-1, 1]) {
    for (let j = i + direction; j >= 0 && j < p.length && together(rows, i, j); j += direction) {
      if (Math.abs(p[j]! - p[i]!) >= best) break;
      best = Math.min(best, distanceWithin(rows, i, j, best));
    }
  }
  return best;
};

const median = (values: Array<number>): number => {
  const sorted = Float64Array.from(values).toSorted();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The spread of a column: between its quartiles, else between its ends; undefined if it never varies. */
const scaleOf = (found: Duckdb.Row, j: number): number | undefined => {
  const quartiles = found[`q${j}`];
  const [low, high] = Array.isArray(quartiles) ? quartiles.map(Number) : [0, 0];
  const spread = (high ?? 0) - (low ?? 0);
  if (spread > 0) return spread;
  const range = Number(found[`z${j}`] ?? 0) - Number(found[`a${j}`] ?? 0);
  return range > 0 ? range : undefined;
};

/** A unit vector without zeros, always the same: no column is left out, and no two weigh the same. */
const projection = (size: number): ReadonlyArray<number> => {
  const raw = Array.from(
    { length: size },
    (_, j) => (j % 2 === 0 ? 1 : -1) * (1 + ((j * 0.618_034) % 1)),
  );
  const length = Math.hypot(...raw);
  return raw.map((one) => one / length);
};
