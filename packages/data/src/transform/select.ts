/** Selection: which of the columns that come out are worth keeping. */
import * as Result from "effect/Result";
import { mutualInformation } from "../statistics/Association.ts";
import type { TransformProblem } from "./errors.ts";
import { deviationOf, meanOf, present, quantileOf } from "./numbers.ts";
import type { Selection } from "./spec.ts";

/** What was selected, what was not and why, and what made a selection impossible. */
export interface Selected {
  readonly names: ReadonlyArray<string>;
  readonly dropped: ReadonlyArray<{ readonly name: string; readonly because: string }>;
  readonly problems: ReadonlyArray<TransformProblem>;
}

/** The label: numbers, or the places of so many classes. */
export interface Told {
  readonly values: Float64Array;
  readonly classes: number | undefined;
}

/** A column that comes out. */
interface Candidate {
  readonly name: string;
  readonly values: Float64Array;
}

/** Applies selections one after the other. Fails if none is left. */
export const select = (
  selections: ReadonlyArray<Selection>,
  names: ReadonlyArray<string>,
  columns: ReadonlyArray<Float64Array>,
  label: Told,
): Selected => {
  let left: ReadonlyArray<Candidate> = names.map((name, index) => ({
    name,
    values: columns[index] ?? new Float64Array(),
  }));
  const dropped: Array<{ name: string; because: string }> = [];
  const problems: Array<TransformProblem> = [];
  for (const selection of selections) {
    const reasons = reasonsOf(selection, left, label, problems);
    for (const { name } of left) {
      const because = reasons.get(name);
      if (because !== undefined) dropped.push({ name, because });
    }
    left = left.filter(({ name }) => !reasons.has(name));
  }
  if (left.length === 0 && problems.length === 0) {
    problems.push({
      column: dropped.map(({ name }) => name).join(", "),
      what: "no column is selected",
      next: "Lower the limits of the selection, or add features.",
    });
  }
  return { names: left.map(({ name }) => name), dropped, problems };
};

/** Why each column that is dropped is. */
const reasonsOf = (
  selection: Selection,
  candidates: ReadonlyArray<Candidate>,
  label: Told,
  problems: Array<TransformProblem>,
): ReadonlyMap<string, string> => {
  switch (selection._tag) {
    case "variance":
      return new Map(
        candidates.flatMap(({ name, values }) => {
          const known = present(values);
          const variance = known.length === 0 ? 0 : deviationOf(known) ** 2;
          return variance > selection.above
            ? []
            : [[name, `its variance is ${text(variance)}`] as const];
        }),
      );
    case "best": {
      const { by, count } = selection;
      if (by === "chiSquare") problems.push(...candidates.flatMap(negative));
      const scored = candidates.map(({ name, values }) => ({
        name,
        score: scores[by](values, label),
      }));
      const rank = (score: number) => (Number.isNaN(score) ? -Infinity : score);
      return new Map(
        scored
          .toSorted((a, b) => rank(b.score) - rank(a.score))
          .slice(count)
          .map(({ name, score }) => [
            name,
            `${words[by]} ${text(score)} is not among the best ${count}`,
          ]),
      );
    }
    case "correlation": {
      const kept: Array<Candidate> = [];
      const reasons = new Map<string, string>();
      for (const candidate of candidates) {
        const like = kept.find(
          ({ values }) => Math.abs(correlationOf(values, candidate.values)) > selection.atMost,
        );
        if (like === undefined) kept.push(candidate);
        else {
          const found = text(correlationOf(like.values, candidate.values));
          reasons.set(candidate.name, `its correlation with "${like.name}" is ${found}`);
        }
      }
      return reasons;
    }
  }
};

const text = (value: number): string => String(Number(value.toPrecision(4)));

const words = {
  anovaF: "F",
  chiSquare: "chi-square",
  mutualInformation: "mutual information",
} as const;

const negative = ({ name, values }: Candidate): ReadonlyArray<TransformProblem> =>
  values.some((value) => value < 0)
    ? [
        {
          column: name,
          what: "chi-square needs counts or shares, and there are values below 0",
          next: 'Select by "anovaF" or "mutualInformation", or scale by "minMax".',
        },
      ]
    : [];

/** The values of each class that are there. */
const byClass = (
  values: Float64Array,
  label: Float64Array,
  classes: number,
): ReadonlyArray<Float64Array> =>
  Array.from({ length: classes }, (_, k) =>
    values.filter((value, row) => label[row] === k && !Number.isNaN(value)),
  );

/** How much a column tells about the label. NaN where that cannot be said. */
const scores = {
  /**
   * F: of several classes by one-way analysis of variance (scikit-learn's `f_classif`), of a number by that of
   * a straight line (`f_regression`).
   */
  anovaF: (values: Float64Array, { values: label, classes }: Told): number => {
    const known = present(values);
    if (classes === undefined) {
      const r2 = correlationOf(values, label) ** 2;
      return (r2 / (1 - r2)) * (known.length - 2);
    }
    const mean = meanOf(known);
    let [between, within] = [0, 0];
    for (const one of byClass(values, label, classes)) {
      if (one.length === 0) return Number.NaN;
      const own = meanOf(one);
      between += one.length * (own - mean) ** 2;
      for (const value of one) within += (value - own) ** 2;
    }
    return between / (classes - 1) / (within / (known.length - classes));
  },
  /** Sums of each class against the shares of the classes: scikit-learn's `chi2`. */
  chiSquare: (values: Float64Array, { values: label, classes = 0 }: Told): number => {
    const rowsOf = byClass(values, label, classes);
    const sums = rowsOf.map((one) => one.reduce((sum, value) => sum + value, 0));
    const total = sums.reduce((sum, one) => sum + one, 0);
    const rows = rowsOf.reduce((sum, one) => sum + one.length, 0);
    return rowsOf.reduce((sum, one, index) => {
      const expected = (total * one.length) / rows;
      return sum + ((sums[index] ?? 0) - expected) ** 2 / expected;
    }, 0);
  },
  /**
   * In bits, of values and labels where there are at most {@link maxDiscrete} different ones, else of ten
   * bins with as many rows each; what is missing is a bin of its own.
   */
  mutualInformation: (values: Float64Array, { values: label }: Told): number => {
    const [binOf, labelBin] = [binsOf(values), binsOf(label)];
    const bins = [...new Set(label.map(labelBin))];
    const place = new Map(bins.map((bin, index) => [bin, index] as const));
    const counts = new Map<number, Array<number>>();
    for (const [row, value] of values.entries()) {
      const bin = binOf(value);
      const count = counts.get(bin) ?? bins.map(() => 0);
      const at = place.get(labelBin(label[row]!)) ?? 0;
      count[at] = (count[at] ?? 0) + 1;
      counts.set(bin, count);
    }
    return Result.getOrElse(mutualInformation([...counts.values()]), () => Number.NaN);
  },
} as const;

/** Numbers with at most so many values are taken as they are. */
const maxDiscrete = 20;

const binsOf = (values: Float64Array): ((value: number) => number) => {
  const distinct = new Set<number>();
  for (const value of values) {
    distinct.add(value);
    if (distinct.size > maxDiscrete) break;
  }
  if (distinct.size <= maxDiscrete) return (value) => value;
  const sorted = present(values).toSorted();
  const edges = Array.from({ length: 9 }, (_, index) => quantileOf(sorted, (index + 1) / 10));
  return (value) => (Number.isNaN(value) ? -1 : edges.filter((edge) => value > edge).length);
};

/** Pearson's correlation over the rows that have both; 0 where one does not vary. */
const correlationOf = (a: Float64Array, b: Float64Array): number => {
  const both = a.map((value, row) => (Number.isNaN(value) || Number.isNaN(b[row]!) ? 0 : 1));
  const [x, y] = [a.filter((_, row) => both[row] === 1), b.filter((_, row) => both[row] === 1)];
  if (x.length === 0) return 0;
  const [mx, my] = [meanOf(x), meanOf(y)];
  const deviations = deviationOf(x) * deviationOf(y);
  if (deviations === 0) return 0;
  let products = 0;
  for (const [row, value] of x.entries()) products += (value - mx) * (y[row]! - my);
  return products / x.length / deviations;
};
