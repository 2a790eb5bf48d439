/** Numbers in words, the same on every machine. */

/** Four significant digits, without an exponent for the sizes that people write out. */
export const number = (value: number): string => {
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 10_000 ? whole(rounded) : String(rounded);
};

/** `518,000`. */
export const whole = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",");

/** `12.3 %`. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/** `3 days`, `1 day`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;
