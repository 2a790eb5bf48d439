/** Numbers in words for findings, evidence and captions: the same text on every machine. */

/**
 * Four significant digits, written out: `0.2513`, `12,340`.
 *
 * @example
 * ```ts
 * import { Words } from "@ml-pipe/data";
 *
 * const text: string = Words.number(0.251_267); // "0.2513"
 * ```
 */
export const number = (value: number): string => {
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 10_000 ? whole(rounded) : String(rounded);
};

/** A whole number with thousands apart: `518,000`. */
export const whole = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");

/** A share as `12.3 %`. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/** A number of things: `1 day`, `3 days`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;
