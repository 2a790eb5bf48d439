import { assert, describe, it } from "@effect/vitest";
import type { Metric } from "@ml-pipe/core";
import * as fc from "fast-check";
import reference from "../../test-fixtures/ranking.json" with { type: "json" };
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Ranking from "./Ranking.ts";

const raggedOf = (lists: ReadonlyArray<ReadonlyArray<number>>): Ranking.Ragged => ({
  offsets: [0, ...lists.map((_, last) => lists.slice(0, last + 1).flat().length)],
  values: lists.flat(),
});

const qualities = ["ndcg", "map", "mrr", "recall", "precision"] as const;

describe("quality", () => {
  for (const { at, lists } of reference) {
    it(`is that of trec_eval and scikit-learn at ${at}`, () => {
      const shown = raggedOf(lists.map(({ relevance }) => relevance));
      const relevant = raggedOf(lists.map(({ relevance, unseen }) => [...relevance, ...unseen]));
      const of = (quality: Metric.ListQuality["quality"], gain?: "linear") =>
        value(
          Ranking.quality(
            shown,
            { quality, at, ...(gain === undefined ? {} : { gain }) },
            relevant,
          ),
        );
      const found = {
        linear: of("ndcg", "linear"),
        exponential: of("ndcg"),
        map: of("map"),
        mrr: of("mrr"),
        recall: of("recall"),
        precision: of("precision"),
      };
      for (const [list, known] of lists.entries()) {
        const all = [...known.relevance, ...known.unseen].filter((one) => one > 0).length;
        close(found.linear[list] ?? NaN, known.ndcgLinear, 1e-12);
        close(((found.map[list] ?? NaN) * Math.min(at, all)) / all, known.mapOfAll, 1e-12);
        close(found.mrr[list] ?? NaN, known.mrr, 1e-12);
        close(found.recall[list] ?? NaN, known.recall, 1e-12);
        close(found.precision[list] ?? NaN, known.precision, 1e-12);
        if (known.sklearnLinear === undefined) continue;
        close(found.linear[list] ?? NaN, known.sklearnLinear, 1e-12);
        close(found.exponential[list] ?? NaN, known.sklearnExponential, 1e-12);
      }
    });
  }

  it("is none where nothing is relevant, whatever is asked", () => {
    const shown = raggedOf([[0, -1, 0], [], [1]]);
    for (const quality of qualities) {
      const found = value(Ranking.quality(shown, { quality, at: 2 }));
      assert.isNaN(found[0]);
      assert.isNaN(found[1]);
    }
    const empty = value(
      Ranking.quality(raggedOf([[]]), { quality: "recall", at: 2 }, raggedOf([[1, 1]])),
    );
    assert.deepStrictEqual([...empty], [0]);
  });

  const list = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 15 });

  it("lies from 0 to 1, is 1 for the best order, and never falls when a better item moves up", () => {
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 12 }), fc.nat(), (relevance, at, where) => {
        if (!relevance.some((one) => one > 0)) return;
        const of = (values: ReadonlyArray<number>, quality: (typeof qualities)[number]) =>
          value(Ranking.quality(raggedOf([values]), { quality, at }))[0] ?? NaN;
        const best = relevance.toSorted((a, b) => b - a);
        close(of(best, "ndcg"), 1);
        close(of(best, "map"), 1);
        close(of(best, "mrr"), 1);
        const i = where % Math.max(1, relevance.length - 1);
        const [here = 0, next = 0] = [relevance[i], relevance[i + 1]];
        const better = here < next ? relevance.with(i, next).with(i + 1, here) : relevance;
        for (const quality of qualities) {
          const found = of(relevance, quality);
          assert.isTrue(found >= 0 && found <= 1, `${quality} ${found}`);
          assert.isAtLeast(of(better, quality), found - 1e-12, quality);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("says what is wrong with its lists", () => {
    const asked = { quality: "ndcg", at: 3 } as const;
    fails(Ranking.quality({ offsets: [0], values: [] }, asked), "empty");
    fails(Ranking.quality({ offsets: [0, 2, 1], values: [1] }, asked), "unsorted", 2);
    fails(Ranking.quality({ offsets: [0, 2], values: [1, 1, 1] }, asked), "unsorted", 1);
    fails(Ranking.quality({ offsets: [1, 2], values: [1, 1] }, asked), "unsorted", 0);
    fails(Ranking.quality({ offsets: [0, 2], values: [1, NaN] }, asked), "notFinite", 1);
    fails(Ranking.quality(raggedOf([[1]]), { ...asked, at: 0 }), "outOfRange");
    fails(Ranking.quality(raggedOf([[1]]), asked, raggedOf([[1], [1]])), "lengthMismatch");
  });
});

describe("inOrder", () => {
  it("groups rows by list and orders them by score; equal scores stay as they are", () => {
    const found = value(Ranking.inOrder([9, 2, 9, 2, 9], [0.5, 1, 0.7, Infinity, 0.5]));
    assert.deepStrictEqual([...found.ids], [2, 9]);
    assert.deepStrictEqual([...found.order], [3, 1, 2, 0, 4]);
    assert.deepStrictEqual([...found.offsets], [0, 2, 5]);
  });

  it("does not depend on a rising transformation of the scores, nor on the order of lists", () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer()), { minLength: 1 });
    fc.assert(
      fc.property(rows, (pairs) => {
        const [list, score] = [pairs.map(([one]) => one), pairs.map(([, one]) => one)];
        const { order } = value(Ranking.inOrder(list, score));
        const rising = score.map((one) => Math.atan(one / 1e9));
        assert.deepStrictEqual(value(Ranking.inOrder(list, rising)).order, order);
      }),
    );
  });

  it("refuses what has no order", () => {
    fails(Ranking.inOrder([], []), "empty");
    fails(Ranking.inOrder([1, 2], [1]), "lengthMismatch");
    fails(Ranking.inOrder([1, 2], [1, NaN]), "notFinite", 1);
  });
});
