import { assert, describe, it } from "@effect/vitest";
import fixture from "../../test-fixtures/anomaly.json" with { type: "json" };
import { close } from "../../test-fixtures/statistics.ts";
import * as Anomaly from "./Anomaly.ts";
import { forecast, smooth } from "./internal/HoltWinters.ts";

const day = 86_400_000;
const series = (...values: ReadonlyArray<number>): ReadonlyArray<Anomaly.Point> =>
  values.map((value, at) => ({ at: at * day, value }));
const next = (history: ReadonlyArray<Anomaly.Point>, value: number): Anomaly.Point => ({
  at: history.length * day,
  value,
});
const robust: Anomaly.Model = { _tag: "robust" };
const weekly: Anomaly.Model = { _tag: "seasonal", season: "day-of-week" };

describe("against SciPy and statsmodels", () => {
  it("median and deviation", () => {
    for (const { values, median, scaled } of fixture.deviations) {
      const history = series(...values);
      const { lower, upper } = Anomaly.judge(robust, history, next(history, median));
      close(lower!, median - 3.5 * scaled);
      close(upper!, median + 3.5 * scaled);
    }
  });

  it("Holt–Winters", () => {
    for (const known of fixture.holtWinters) {
      const found = smooth(known.values, known.period, known);
      close(found.next, known.next, 1e-10);
      close(found.squaredErrors, known.squaredErrors, 1e-9);
      const fitted = forecast(known.values, known.period);
      const errors = known.values.length - known.period - 3;
      assert.isAtMost(fitted.error, Math.sqrt(known.squaredErrors / errors) * (1 + 1e-12));
    }
  });
});

describe("a judgement", () => {
  it("fails what is far from the history, whatever one wild day did to it", () => {
    const steady = series(100, 104, 98, 101, 99, 103, 97);
    const wild = series(100, 104, 98, 5000, 99, 103, 97);
    for (const history of [steady, wild]) {
      assert.strictEqual(Anomaly.judge(robust, history, next(history, 102)).outcome, "passed");
      assert.strictEqual(Anomaly.judge(robust, history, next(history, 160)).outcome, "failed");
      assert.strictEqual(Anomaly.judge(robust, history, next(history, 40)).outcome, "failed");
    }
  });

  it("knows weekends", () => {
    const weeks = Array.from({ length: 21 }, (_, at) => (at % 7 >= 5 ? 20 : 100) + (at % 3));
    const history = series(...weeks);
    const sunday: Anomaly.Point = { at: 26 * day, value: 21 };
    assert.strictEqual(Anomaly.judge(weekly, history, sunday).outcome, "passed");
    assert.strictEqual(Anomaly.judge(weekly, history, { ...sunday, value: 100 }).outcome, "failed");
    assert.strictEqual(Anomaly.judge(robust, history, { ...sunday, value: 100 }).outcome, "passed");
  });

  it("follows a trend with Holt–Winters, and bounds the change from the value before", () => {
    const growing = series(
      ...Array.from({ length: 30 }, (_, at) => 100 + 10 * at + (at % 7) * 3 + (at % 2) * 0.4),
    );
    const model: Anomaly.Model = { _tag: "holt-winters", period: 7 };
    const expected = 100 + 10 * 30 + (30 % 7) * 3;
    assert.strictEqual(Anomaly.judge(model, growing, next(growing, expected)).outcome, "passed");
    assert.strictEqual(
      Anomaly.judge(model, growing, next(growing, expected - 60)).outcome,
      "failed",
    );
    const change: Anomaly.Model = { _tag: "change", atMost: 0.5 };
    const history = series(100, 200);
    assert.deepInclude(Anomaly.judge(change, history, next(history, 301)), {
      outcome: "failed",
      lower: 100,
      upper: 300,
    });
    assert.strictEqual(Anomaly.judge(change, history, next(history, 100)).outcome, "passed");
  });

  it("is never narrower than sampling noise, nor wider than what can be", () => {
    const zeros = series(...Array.from({ length: 9 }, () => 0));
    assert.strictEqual(Anomaly.judge(robust, zeros, next(zeros, 0.001)).outcome, "failed");
    const options = { noise: 0.001, range: [0, 1] } as const;
    assert.deepInclude(Anomaly.judge(robust, zeros, next(zeros, 0.001), options), {
      outcome: "passed",
      lower: 0,
      upper: 0.0035,
    });
  });

  it("without enough history could not run", () => {
    const idle = (model: Anomaly.Model, history: ReadonlyArray<Anomaly.Point>, value = 1) => {
      const judged = Anomaly.judge(model, history, next(history, value));
      assert.deepInclude(judged, { outcome: "could not run", lower: null, upper: null });
      return judged.why!;
    };
    assert.strictEqual(idle(robust, series(1, 2, 3)), "3 earlier values, at least 7 are needed");
    assert.include(idle(weekly, series(1, 2, 3, 4, 5, 6, 7)), "at least 14");
    assert.include(idle({ _tag: "holt-winters", period: 7 }, series(1, 2, 3)), "at least 17");
    assert.include(idle({ _tag: "holt-winters", period: 1 }, series(1, 2, 3)), "no season");
    assert.include(idle({ _tag: "change", atMost: 1 }, []), "at least 1");
    assert.include(idle({ _tag: "change", atMost: 1 }, series(0)), "there is no share");
    assert.include(idle(robust, series(1, 2, 3, 4, 5, 6, 7), NaN), "no value");
    const mondays = Array.from({ length: 14 }, (_, at) => ({ at: at * 7 * day, value: 1 }));
    const tuesday = { at: 100 * 7 * day + day, value: 1 };
    assert.include(
      Anomaly.judge(weekly, mondays, tuesday).why!,
      "0 earlier of the same day-of-week",
    );
    const future = series(1, 2, 3, 4, 5, 6, 7);
    assert.strictEqual(Anomaly.judge(robust, future, { at: 0, value: 1 }).outcome, "could not run");
  });
});
