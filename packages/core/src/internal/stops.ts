/** The mark of errors that say "no" as designed. Public as `Stage.stops`. */
export const stops: unique symbol = Symbol.for("ml-pipe/stops");

/** Whether an error carries the mark. */
export const isStop = (error: unknown): boolean =>
  typeof error === "object" && error !== null && stops in error && error[stops] === true;
