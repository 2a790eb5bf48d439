/** What the release and the baseline really cost, by day. */
import type { Outcomes } from "./outcomes.ts";

/** Sums over the decisions of one day. A row whose outcome is not known counts in `rows` only. */
export interface DayTotals {
  readonly day: number;
  rows: number;
  predicted: number;
  labelled: number;
  observed: number;
  predictedOfLabelled: number;
  cost: number;
  baselineCost: number;
}

/** Sums by day, in order of the days. */
export const totalsByDay = ({
  day,
  predicted,
  observed,
  cost,
  baselineCost,
}: Outcomes): ReadonlyArray<DayTotals> => {
  const days = new Map<number, DayTotals>();
  for (let row = 0; row < day.length; row++) {
    const number = day[row]!;
    let totals = days.get(number);
    if (totals === undefined) {
      totals = emptyDay(number);
      days.set(number, totals);
    }
    totals.rows++;
    totals.predicted += predicted[row]!;
    if (Number.isNaN(observed[row]!)) continue;
    totals.labelled++;
    totals.observed += observed[row]!;
    totals.predictedOfLabelled += predicted[row]!;
    totals.cost += cost[row]!;
    totals.baselineCost += baselineCost[row]!;
  }
  return [...days.values()].toSorted((a, b) => a.day - b.day);
};

const emptyDay = (day: number): DayTotals => ({
  day,
  rows: 0,
  predicted: 0,
  labelled: 0,
  observed: 0,
  predictedOfLabelled: 0,
  cost: 0,
  baselineCost: 0,
});
