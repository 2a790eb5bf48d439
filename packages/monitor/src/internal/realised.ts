/** What the release and the baseline really cost, by day. */
import { Cost, type Decisions, type StatisticsError } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** Sums over the decisions of one day. A row whose outcome is not known counts in `rows` only. */
export interface DayTotals {
  readonly day: number;
  rows: number;
  predicted: number;
  labelled: number;
  positives: number;
  predictedOfLabelled: number;
  cost: number;
  baselineCost: number;
}

/** Sums by day, in order of the days. */
export const totalsByDay = Effect.fnUntraced(function* (
  { block: day, label, probability, baseline }: Decisions.Decisions,
  threshold: number,
  matrix: Cost.CostMatrix,
): Effect.fn.Return<ReadonlyArray<DayTotals>, StatisticsError> {
  if (day.length === 0) return [];
  // An unknown outcome has no cost: it is given some label here, and left out of the sums below.
  const known = label.map((one) => (one === 1 ? 1 : 0));
  const cost = yield* Effect.fromResult(Cost.rowCosts(probability, known, threshold, matrix));
  const baselineCost = yield* Effect.fromResult(Cost.rowCosts(baseline, known, 1, matrix));
  const days = new Map<number, DayTotals>();
  for (let row = 0; row < day.length; row++) {
    const number = day[row]!;
    let totals = days.get(number);
    if (totals === undefined) {
      totals = emptyDay(number);
      days.set(number, totals);
    }
    totals.rows++;
    totals.predicted += probability[row]!;
    if (Number.isNaN(label[row]!)) continue;
    totals.labelled++;
    totals.positives += label[row]!;
    totals.predictedOfLabelled += probability[row]!;
    totals.cost += cost[row]!;
    totals.baselineCost += baselineCost[row]!;
  }
  return [...days.values()].toSorted((a, b) => a.day - b.day);
});

const emptyDay = (day: number): DayTotals => ({
  day,
  rows: 0,
  predicted: 0,
  labelled: 0,
  positives: 0,
  predictedOfLabelled: 0,
  cost: 0,
  baselineCost: 0,
});
