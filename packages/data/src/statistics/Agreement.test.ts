import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { reference } from "../../test-fixtures/labels.ts";
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Agreement from "./Agreement.ts";

const { cohenKappa, fleissKappa, krippendorffAlpha, pairwise } = Agreement;
const plain = { resamples: 0 } as const;

/** Ratings from rows of labels, one row an item, one column an annotator; -1 is missing. */
const matrix = (rows: ReadonlyArray<ReadonlyArray<number>>, classes: number): Agreement.Ratings => {
  const all = rows.flatMap((row, item) =>
    row.flatMap((label, annotator) => (label < 0 ? [] : [{ item, annotator, label }])),
  );
  return {
    item: all.map(({ item }) => item),
    annotator: all.map(({ annotator }) => annotator),
    label: all.map(({ label }) => label),
    classes,
  };
};

describe("Krippendorff's alpha", () => {
  const measurements = ["nominal", "ordinal", "interval", "ratio"] as const;

  it.each([
    ["nominal", 0.743],
    ["ordinal", 0.815],
    ["interval", 0.849],
    ["ratio", 0.797],
  ] as const)("is as published for %s values", (measurement, published) => {
    const values = [0, 1, 2, 3, 4, 5];
    const { estimate } = value(
      krippendorffAlpha(reference.krippendorff, { ...plain, measurement, values }),
    );
    assert.strictEqual(Number(estimate.toFixed(3)), published);
    close(estimate, reference.krippendorff.alpha[measurement]);
  });

  it.each(measurements)(
    "is that of the package krippendorff, with missing ratings, %s",
    (measurement) => {
      const { alpha } = reference.generated;
      close(
        value(krippendorffAlpha(reference.generated, { ...plain, measurement })).estimate,
        alpha[measurement],
      );
    },
  );

  it("is near Fleiss' kappa on complete ratings", () => {
    const alpha = value(krippendorffAlpha(reference.diagnoses, plain)).estimate;
    const kappa = reference.diagnoses.irr;
    // Alpha corrects for small samples: 1 - alpha = (1 - kappa)(1 - 1/n), n ratings.
    close(1 - alpha, (1 - kappa) * (1 - 1 / 180), 1e-6);
  });
});

describe("Fleiss' kappa", () => {
  it("is R irr's on the diagnoses of Fleiss 1971, and statsmodels' on generated ratings", () => {
    close(value(fleissKappa(reference.diagnoses, plain)).estimate, reference.diagnoses.irr, 1e-7);
    close(
      value(fleissKappa(reference.generated.complete, plain)).estimate,
      reference.generated.fleiss,
    );
  });

  it("needs as many ratings for every item", () => {
    fails(fleissKappa(reference.generated), "lengthMismatch");
  });
});

describe("Cohen's kappa", () => {
  const weights = ["none", "linear", "quadratic"] as const;

  it.each(weights)("is scikit-learn's, weights %s", (weights) => {
    const { complete, cohen } = reference.generated;
    close(value(cohenKappa(complete, 0, 1, { ...plain, weights })).estimate, cohen[weights]);
  });

  it.each(weights)("is R irr's on its anxiety ratings, weights %s", (weights) => {
    const { item, annotator, label, irr } = reference.anxiety;
    // irr leaves out the classes that neither of the two annotators used.
    const used = [...new Set(label.filter((_, at) => annotator[at] !== 0))].toSorted();
    const kept = [...item.keys()].filter((at) => annotator[at] !== 0);
    const ratings = {
      item: kept.map((at) => item[at]!),
      annotator: kept.map((at) => annotator[at]!),
      label: kept.map((at) => used.indexOf(label[at]!)),
      classes: used.length,
    };
    close(value(cohenKappa(ratings, 1, 2, { ...plain, weights })).estimate, irr[weights], 1e-7);
  });

  it("is SAS's, with an interval near its asymptotic one", () => {
    const { table, none, linear, lower, upper } = reference.sas;
    const rows = table.flatMap((row, i) =>
      row.flatMap((n, j) => Array.from({ length: n }, () => [i, j])),
    );
    const ratings = matrix(rows, 3);
    const { estimate, interval } = value(cohenKappa(ratings, 0, 1, { resamples: 2000 }));
    close(estimate, none, 1e-4);
    close(value(cohenKappa(ratings, 0, 1, { ...plain, weights: "linear" })).estimate, linear, 1e-4);
    close(interval?.lower ?? 0, lower, 0.06);
    close(interval?.upper ?? 0, upper, 0.06);
  });
});

describe("intervals", () => {
  it("are the same for the same seed, around the estimate, and narrower with more items", () => {
    const ratings = reference.generated;
    const once = value(krippendorffAlpha(ratings, { seed: 3, resamples: 300 }));
    assert.deepStrictEqual(value(krippendorffAlpha(ratings, { seed: 3, resamples: 300 })), once);
    const { interval, estimate } = once;
    assert.isTrue(interval !== null && interval.lower < estimate && estimate < interval.upper);
    const twice = {
      item: [...ratings.item, ...ratings.item.map((item) => item + 1000)],
      annotator: [...ratings.annotator, ...ratings.annotator],
      label: [...ratings.label, ...ratings.label],
      classes: ratings.classes,
    };
    const more = value(krippendorffAlpha(twice, { seed: 3, resamples: 300 })).interval;
    const width = (one: typeof interval) => (one === null ? NaN : one.upper - one.lower);
    assert.isBelow(width(more), width(interval));
  });

  it("are not given where nothing varies", () => {
    const ratings = matrix([[0, 1]], 2);
    assert.isNull(value(krippendorffAlpha(ratings)).interval);
  });
});

describe("pairwise", () => {
  it("gives each pair the kappa that the two have alone", () => {
    const pairs = value(pairwise(reference.generated));
    assert.strictEqual(pairs.length, 10);
    for (const { first, second, kappa, items } of pairs) {
      const alone = value(cohenKappa(reference.generated, first, second, plain));
      close(kappa ?? NaN, alone.estimate);
      assert.strictEqual(items, alone.items);
    }
  });

  it("leaves out items that one of the two rated twice", () => {
    const ratings = {
      item: [1, 1, 1, 2, 2],
      annotator: [1, 1, 2, 1, 2],
      label: [0, 1, 0, 1, 1],
      classes: 2,
    };
    const [pair] = value(pairwise(ratings));
    assert.deepStrictEqual(pair, { first: 1, second: 2, items: 1, observed: 1, kappa: null });
  });
});

describe("refuses", () => {
  it("one annotator, no overlap, one class", () => {
    fails(krippendorffAlpha(matrix([[0], [1]], 2)), "tooFew");
    fails(fleissKappa(matrix([[0], [1]], 2)), "tooFew");
    fails(
      cohenKappa(
        matrix(
          [
            [0, -1],
            [-1, 1],
          ],
          2,
        ),
        0,
        1,
      ),
      "tooFew",
    );
    fails(cohenKappa(matrix([[0, 1]], 2), 0, 9), "tooFew");
    const one = matrix(
      [
        [1, 1],
        [1, 1],
      ],
      2,
    );
    fails(krippendorffAlpha(one), "oneClass");
    fails(fleissKappa(one), "oneClass");
    fails(cohenKappa(one, 0, 1), "oneClass");
  });

  it("no ratings, uneven arrays, labels that are no class, bad options and values", () => {
    const none = { item: [], annotator: [], label: [], classes: 2 };
    fails(krippendorffAlpha(none), "empty");
    const good = matrix(
      [
        [0, 1],
        [1, 1],
      ],
      2,
    );
    fails(krippendorffAlpha({ ...good, label: [0] }), "lengthMismatch");
    fails(krippendorffAlpha({ ...good, label: [0, 1, NaN, 1] }), "outOfRange", 2);
    fails(krippendorffAlpha({ ...good, item: [0, 0, NaN, 1] }), "notFinite", 2);
    fails(krippendorffAlpha(good, { level: 1 }), "outOfRange");
    fails(krippendorffAlpha(good, { resamples: 5 }), "outOfRange");
    fails(krippendorffAlpha(good, { measurement: "interval", values: [1] }), "lengthMismatch");
    fails(krippendorffAlpha(good, { measurement: "ratio", values: [-1, 2] }), "negative", 0);
  });
});

describe("laws", () => {
  const ratings = fc
    .array(fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 3, maxLength: 3 }), {
      minLength: 2,
      maxLength: 12,
    })
    .map((rows) => matrix(rows, 3));

  it("do not depend on the order of ratings, nor on ids; 1 exactly where all agree", () => {
    fc.assert(
      fc.property(ratings, (given) => {
        const order = Array.from(given.item, (_, at) => at).toReversed();
        const pick = (values: ArrayLike<number>, change: (one: number) => number) =>
          order.map((at) => change(values[at]!));
        const changed = {
          item: pick(given.item, (one) => 7 * one + 3),
          annotator: pick(given.annotator, (one) => 100 - one),
          label: pick(given.label, (one) => one),
          classes: 3,
        };
        const [a, b] = [krippendorffAlpha(given, plain), krippendorffAlpha(changed, plain)];
        assert.strictEqual(a._tag, b._tag);
        if (a._tag !== "Success" || b._tag !== "Success") return;
        close(a.success.estimate, b.success.estimate, 1e-9);
        const byItem = Map.groupBy(order, (at) => given.item[at]!);
        const agreed = [...byItem.values()].every(
          (at) => new Set(at.map((one) => given.label[one])).size === 1,
        );
        assert.strictEqual(Math.abs(a.success.estimate - 1) < 1e-12, agreed);
      }),
      { numRuns: 200 },
    );
  });
});
