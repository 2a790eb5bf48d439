/** Rounds each row to whole numbers that sum to the row's rounded total: the largest remainders give way. */
export const roundKeepingRowTotals = (
  rows: ReadonlyArray<ReadonlyArray<number>>,
): ReadonlyArray<ReadonlyArray<number>> => rows.map(roundKeepingTotal);

const roundKeepingTotal = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const rounded = values.map(halfToEven);
  const goal = halfToEven(sum(values));
  for (let off = goal - sum(rounded); off !== 0; off = goal - sum(rounded)) {
    const step = Math.sign(off);
    const byRemainder = [...values.keys()].toSorted(
      (a, b) => values[a]! - rounded[a]! - (values[b]! - rounded[b]!) || a - b,
    );
    const order = step > 0 ? byRemainder.toReversed() : byRemainder;
    for (const index of order.slice(0, Math.abs(off))) rounded[index]! += step;
  }
  return rounded;
};

const sum = (values: ReadonlyArray<number>): number =>
  values.reduce((total, one) => total + one, 0);

/** As IEEE 754 and NumPy round: a half goes to the even neighbour. */
const halfToEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
};
