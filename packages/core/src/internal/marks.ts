/** Marks of errors that are not breakdowns. Public as `Stage.stops` and `Stage.suspends`. */

/** The mark of errors that say "no" as designed. */
export const stops: unique symbol = Symbol.for("ml-pipe/stops");

/** The mark of errors that say "not yet": the run waits, and goes on when it is resumed. */
export const suspends: unique symbol = Symbol.for("ml-pipe/suspends");

const carries = (error: unknown, mark: symbol): boolean =>
  typeof error === "object" && error !== null && Reflect.get(error, mark) === true;

/** Whether an error says "no" as designed. */
export const isStop = (error: unknown): boolean => carries(error, stops);

/** Whether an error says "not yet". */
export const isSuspension = (error: unknown): boolean => carries(error, suspends);
