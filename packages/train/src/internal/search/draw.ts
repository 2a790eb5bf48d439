/** Points of a space: drawn at random, or all on a grid. */
import type { Dimension, Point, Space, Value } from "../../Space.ts";

/**
 * A point at random. Each number of a trial has a point of its own, so that more trials change none of those
 * that there were.
 */
export const drawPoint = <S extends Space>(space: S, seed: number, trial: number): Point<S> => {
  const random = mulberry32(Math.imul(seed, 0x9e3779b1) ^ Math.imul(trial, 0x85ebca77));
  return pointOf(space, (dimension) => at(dimension, random()));
};

/** All points with so many steps of each range. */
export const gridPoints = <S extends Space>(space: S, steps: number): ReadonlyArray<Point<S>> =>
  Object.entries(space)
    .reduce<ReadonlyArray<Readonly<Record<string, Value>>>>(
      (points, [name, dimension]) =>
        points.flatMap((point) =>
          levels(dimension, steps).map((value) => ({ ...point, [name]: value })),
        ),
      [{}],
    )
    .map((point) => pointOf(space, (_, name) => point[name] ?? ""));

/** How many points a grid has at most, without making them. */
export const gridSize = (space: Space, steps: number): number =>
  Object.values(space).reduce(
    (size, dimension) => size * (dimension._tag === "choice" ? dimension.values.length : steps),
    1,
  );

/** The parts were made from the space itself, name by name. */
const pointOf = <S extends Space>(
  space: S,
  value: (dimension: Dimension, name: string) => Value,
): Point<S> =>
  Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => [name, value(dimension, name)]),
  ) as Point<S>;

const levels = (dimension: Dimension, steps: number): ReadonlyArray<Value> =>
  dimension._tag === "choice"
    ? dimension.values
    : [...new Set(Array.from({ length: steps }, (_, i) => between(dimension, i / (steps - 1))))];

/** The value at a place from 0 to 1. */
const at = (dimension: Dimension, place: number): Value => {
  if (dimension._tag === "choice") {
    const { values } = dimension;
    return values[Math.min(Math.floor(place * values.length), values.length - 1)] ?? values[0];
  }
  // Each whole number has the same share of a range that reaches half a step beyond its ends.
  return dimension._tag === "int" && dimension.scale !== "log"
    ? Math.min(
        dimension.from + Math.floor(place * (dimension.to - dimension.from + 1)),
        dimension.to,
      )
    : between(dimension, place);
};

const between = (
  { _tag, from, to, scale }: Exclude<Dimension, { _tag: "choice" }>,
  place: number,
): number => {
  const value =
    scale === "log" ? from * Math.exp(place * Math.log(to / from)) : from + place * (to - from);
  const rounded = _tag === "int" ? Math.round(value) : Number(value.toPrecision(4));
  return Math.min(Math.max(rounded, from), to);
};

/** Numbers in [0, 1). */
const mulberry32 = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

/** Where a value lies in its range, from 0 to 1; undefined for a choice. */
export const placeOf = (dimension: Dimension, value: Value): number | undefined => {
  if (dimension._tag === "choice" || typeof value !== "number") return undefined;
  const { from, to, scale } = dimension;
  return scale === "log"
    ? Math.log(value / from) / Math.log(to / from)
    : (value - from) / (to - from);
};
