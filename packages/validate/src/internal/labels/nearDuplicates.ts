/** Rows that are nearly the same: much nearer to one another than neighbours usually are. */
import { randomUUID } from "node:crypto";
import type { Column } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
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
/** Neighbourhoods that are compared where there are too many rows for all. */
const centres = 50;
/** Rows from which scales and the size of a neighbourhood are estimated. */
const surveyed = 50_000;
const shown = 10;

/**
 * Number columns are scaled by their quartiles; all other columns, and which numbers are missing, must be
 * equal. Rows are put in order of a fixed projection, on which two rows are never farther apart than they
 * are: so a row need only be compared with those that follow within the radius, and none is missed.
 *
 * Where there are more than `maxRows`, fifty neighbourhoods of rows across the table are compared instead
 * of a sample, which would tear nearly all pairs apart; how near neighbours are, their centres say.
 */
export const nearDuplicates = Effect.fnUntraced(function* (
  rows: FeatureRows & {
    readonly types: { readonly [column: string]: Column.ColumnType };
    readonly labelled: number;
  },
  { threshold, maxRows }: NearOptions,
): Effect.fn.Return<NearDuplicates, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const { labelled } = rows;
  const numeric = rows.features.filter((name) => ["int", "float"].includes(rows.types[name] ?? ""));
  if (numeric.length === 0) return couldNotRun("no feature is a number");
  if (labelled < 3) return couldNotRun("there are fewer than three rows with a label");
  const scaled = yield* scaledColumns(rows, numeric);
  if (scaled.length === 0) return couldNotRun("every number is the same in all rows");
  const space = spaceOf(rows, numeric, scaled);
  if (labelled <= maxRows) {
    const all = yield* readRows(space, labelled, "");
    return search(all, threshold, probesOf(all.row.length));
  }
  const around = yield* neighbourhoods(space, labelled, maxRows);
  const near = yield* readRows(space, labelled, around.sql);
  const places = new Map(Array.from(near.row, (row, at) => [row, at]));
  return search(
    near,
    threshold,
    around.rows.flatMap((row) => places.get(row) ?? []),
  );
});

const operation = "find near-duplicates";

/** A row as a point: the rows in SQL with `~block`, `~p`, `~label`, and the scaled numbers. */
interface Space {
  readonly relation: string;
  readonly scaled: ReadonlyArray<string>;
}

const spaceOf = (
  { relation, features, label }: FeatureRows,
  numeric: ReadonlyArray<string>,
  scaled: ReadonlyArray<{ readonly name: string; readonly sql: string }>,
): Space => {
  const weights = projection(scaled.length);
  const projected = scaled.map(({ sql }, j) => `coalesce(${sql}, 0) * ${weights[j]}::DOUBLE`);
  const others = features.filter((name) => !numeric.includes(name)).map(Duckdb.identifier);
  const block = [
    ...others.map((name) => `CAST(${name} AS VARCHAR)`),
    ...scaled.map(({ name }) => `${name} IS NULL`),
  ];
  const finite = scaled.map(({ name }) => `coalesce(isfinite(${name}::DOUBLE), true)`);
  const names = scaled.map(({ sql }, j) => `coalesce(${sql}, 0) AS "~x${j}"`);
  return {
    relation: `(SELECT file_row_number, (hash(${block.join(", ")}) >> 12)::DOUBLE AS "~block", ${projected.join(" + ")} AS "~p",
      CAST(${Duckdb.identifier(label)} AS VARCHAR) AS "~label", ${names.join(", ")}
      FROM ${relation} WHERE ${Duckdb.identifier(label)} IS NOT NULL AND ${finite.join(" AND ")})`,
    scaled: scaled.map((_, j) => `"~x${j}"`),
  };
};

/** SQL for the rows surveyed: all of them, or a sample that depends on nothing but their numbers. */
const surveySql = (labelled: number): string =>
  `hash(file_row_number) % ${Math.max(1, Math.floor(labelled / surveyed))} = 0`;

/** The number columns that vary, each divided by its spread. */
const scaledColumns = Effect.fnUntraced(function* (
  { relation, label, labelled }: FeatureRows & { readonly labelled: number },
  numeric: ReadonlyArray<string>,
) {
  const db = yield* Duckdb.Duckdb;
  const names = numeric.map(Duckdb.identifier);
  const asked = names.map((name, j) => {
    const finite = `FILTER (WHERE isfinite(${name}::DOUBLE))`;
    return `quantile_disc(${name}::DOUBLE, [0.25, 0.75]) ${finite} AS q${j}, min(${name}::DOUBLE) ${finite} AS a${j}, max(${name}::DOUBLE) ${finite} AS z${j}`;
  });
  const [found = {}] = yield* db.rows(
    operation,
    `SELECT ${asked.join(", ")} FROM ${relation} WHERE ${Duckdb.identifier(label)} IS NOT NULL AND ${surveySql(labelled)}`,
  );
  return names.flatMap((name, j) => {
    const scale = scaleOf(found, j);
    return scale === undefined ? [] : [{ name, sql: `${name}::DOUBLE / ${scale}::DOUBLE` }];
  });
});

/** The rows for which a condition holds, in order of block and projection. */
const readRows = Effect.fnUntraced(function* (
  { relation, scaled }: Space,
  labelled: number,
  condition: string,
): Effect.fn.Return<Ordered, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const db = yield* Duckdb.Duckdb;
  const name = Duckdb.identifier(`near rows ${randomUUID()}`);
  // Not acquireRelease: it could not be interrupted while it searches.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget the rows compared", `DROP TABLE IF EXISTS ${name}`)),
  );
  yield* db.execute(operation, `CREATE TABLE ${name} AS FROM ${relation} ${condition}`);
  const [count] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${name}`);
  const { columns } = yield* db.numericColumns(operation, {
    from: `(SELECT *, dense_rank() OVER (ORDER BY "~label") AS "~class" FROM ${name} ORDER BY "~block", "~p", file_row_number)`,
    select: ["file_row_number", '"~block"', '"~p"', '"~class"', ...scaled],
    rows: Number(count?.["n"] ?? labelled),
  });
  const [row = none, blocks = none, p = none, labels = none, ...values] = columns;
  yield* Effect.yieldNow;
  return { row, blocks, p, labels, values };
});

/**
 * A condition for the rows about fifty centres, as many as wanted together, and the centres' row numbers.
 * How far a neighbourhood reaches is estimated from the rows surveyed.
 */
const neighbourhoods = Effect.fnUntraced(function* (
  space: Space,
  labelled: number,
  maxRows: number,
) {
  const survey = yield* readRows(space, labelled, `WHERE ${surveySql(labelled)}`);
  const size = survey.row.length;
  const each = maxRows / centres;
  const found: Array<{ readonly row: number; readonly sql: string }> = [];
  for (let k = 0; k < Math.min(centres, size); k++) {
    const centre = Math.floor(((k + 0.5) * size) / Math.min(centres, size));
    const distances: Array<number> = [];
    for (let i = 0; i < size; i++) {
      if (survey.blocks[i] === survey.blocks[centre]) {
        distances.push(distanceWithin(survey, centre, i, Infinity));
      }
    }
    const sorted = Float64Array.from(distances).toSorted();
    const reach =
      sorted[Math.min(sorted.length - 1, Math.max(1, Math.round((each * size) / labelled)))]!;
    const square = space.scaled.map((name, j) => {
      const difference = `(${name} - ${survey.values[j]![centre]}::DOUBLE)`;
      return `${difference} * ${difference}`;
    });
    found.push({
      row: survey.row[centre]!,
      sql: `"~block" = ${survey.blocks[centre]} AND ${square.join(" + ")} <= ${reach * reach}::DOUBLE`,
    });
  }
  return {
    rows: found.map(({ row }) => row),
    sql: `WHERE ${found.map(({ sql }) => `(${sql})`).join(" OR ")}`,
  };
});

interface Ordered {
  readonly row: Float64Array;
  readonly blocks: Float64Array;
  readonly p: Float64Array;
  readonly labels: Float64Array;
  readonly values: ReadonlyArray<Float64Array>;
}

/** Evenly spaced places. */
const probesOf = (size: number): ReadonlyArray<number> => {
  const step = Math.max(1, Math.floor(size / probes));
  return Array.from({ length: Math.ceil(size / step) }, (_, k) => k * step);
};

const search = (
  rows: Ordered,
  threshold: number,
  probed: ReadonlyArray<number>,
): NearDuplicates => {
  const { row, p, labels } = rows;
  const size = row.length;
  const nearest = probed.map((at) => nearestTo(rows, at)).filter(Number.isFinite);
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

/** Whether two rows agree in all that is not a number. */
const together = ({ blocks }: Ordered, i: number, j: number): boolean => blocks[i] === blocks[j];

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

const median = (values: ReadonlyArray<number>): number => {
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
