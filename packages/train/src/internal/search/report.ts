/** What a search found, as it is shown. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import type { Space } from "../../Space.ts";
import { placeOf } from "./draw.ts";
import type { Attempt } from "./Trial.ts";

/** Best first; of equal ones the earlier. */
export const ranked = (attempts: ReadonlyArray<Attempt>): ReadonlyArray<Attempt> =>
  attempts.toSorted((a, b) => a.loss - b.loss || a.trial - b.trial);

/** Rows of a table of trials: a reader looks at the first. */
const shown = 50;

/** The trials, best first, and how the loss fell. */
export const exhibitsOf = (
  space: Space,
  loss: string,
  attempts: ReadonlyArray<Attempt>,
): ReadonlyArray<Exhibit.Exhibit> => {
  const names = Object.keys(space);
  const whole = attempts.filter(({ share }) => share === 1).toSorted((a, b) => a.trial - b.trial);
  const furthest = attempts.toSorted(
    (a, b) => b.share - a.share || a.loss - b.loss || a.trial - b.trial,
  );
  let best = Number.POSITIVE_INFINITY;
  const bestSoFar = whole.map((one) => [one.trial, (best = Math.min(best, one.loss))] as const);
  return [
    {
      _tag: "table",
      title: "Trials",
      caption: `${attempts.length} trainings, best first${attempts.length > shown ? `; the first ${shown}` : ""}`,
      columns: ["trial", ...names, "share of the rows", loss],
      rows: furthest
        .slice(0, shown)
        .map(({ trial, parameters, share, loss }) => [
          trial,
          ...names.map((name) => shownValue(parameters[name])),
          Number(share.toPrecision(3)),
          Number(loss.toPrecision(6)),
        ]),
    },
    {
      _tag: "line",
      title: "Loss by trial",
      caption: "of the trials on all training rows",
      x: { label: "trial" },
      y: { label: loss },
      series: [
        { name: "trial", points: whole.map((one) => [one.trial, one.loss]), marks: true },
        { name: "best so far", points: bestSoFar },
      ],
    },
  ];
};

const shownValue = (value: string | number | boolean | undefined): string | number | null =>
  typeof value === "boolean" ? String(value) : (value ?? null);

/** Nearer than this to an end of its range, a value may want to be beyond it. */
const nearEnd = 0.02;

/** How many models the validation rows have told apart, and where the space may be too small. */
export const findingsOf = (
  space: Space,
  owner: string,
  searched: {
    readonly best: Attempt;
    readonly trials: number;
    readonly failed: ReadonlyArray<string>;
  },
): ReadonlyArray<Finding.Finding> => {
  const { best, trials, failed } = searched;
  const looks: Finding.Finding = {
    check: "search.looks",
    severity: "info",
    owner,
    expected: "a validation loss that is known to be the lowest of several",
    found: `the lowest of ${trials} on the same rows: too low by chance`,
    next: "Judge the model on the test rows, which the search has not seen.",
  };
  const broken: Finding.Finding = {
    check: "search.trained",
    severity: "warn",
    owner,
    expected: "every trial to train",
    found: `${failed.length} did not: ${failed.slice(0, 3).join("; ")}`,
    next: "Leave out of the space what cannot be trained.",
  };
  const edges = Object.entries(space).flatMap(
    ([name, dimension]): ReadonlyArray<Finding.Finding> => {
      const value = best.parameters[name];
      const place = value === undefined ? undefined : placeOf(dimension, value);
      if (place === undefined || (place > nearEnd && place < 1 - nearEnd)) return [];
      const end = place <= nearEnd ? "lower" : "upper";
      return [
        {
          check: "search.inside",
          severity: "info",
          owner,
          expected: `the best ${name} to lie within its range`,
          found: `${String(value)}, at the ${end} end`,
          next: `Widen the range of ${name}, unless it cannot be beyond it.`,
        },
      ];
    },
  );
  return [looks, ...(failed.length === 0 ? [] : [broken]), ...edges];
};
