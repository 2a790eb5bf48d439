/** Numbers and values in the words of a finding. */
import * as Schema from "effect/Schema";

const counts = new Intl.NumberFormat("en-US");

/** `1,234 rows`. */
export const rowsText = (rows: number): string =>
  rows === 1 ? "1 row" : `${counts.format(rows)} rows`;

/** A number as it is written in a contract. */
export const numberText = (value: number): string =>
  Number.isInteger(value) ? counts.format(value) : String(value);

/** A share as a percentage with three significant digits, never `0 %` for some or `100 %` for most. */
export const shareText = (part: number, whole: number): string => {
  if (whole === 0 || part === 0) return "0 %";
  const percent = (100 * part) / whole;
  if (percent >= 99.9 && part < whole) return "more than 99.9 %";
  return `${Number(percent.toPrecision(3))} %`;
};

/** `1,234 rows (0.5 %)`. */
export const rowsOf = (rows: number, whole: number): string =>
  rows === 0 ? "none" : `${rowsText(rows)} (${shareText(rows, whole)})`;

/** A duration in its largest fitting unit. */
export const durationText = (ms: number): string => {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1000],
  ] as const;
  for (const [unit, size] of units) {
    if (ms >= size) {
      const amount = Number((ms / size).toFixed(1));
      return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
    }
  }
  return `${ms} ms`;
};

/** An instant to the second, in UTC. */
export const instantText = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** A figure with six significant digits. */
export const figureText = (value: number): string =>
  numberText(Number.isSafeInteger(value) ? value : Number(value.toPrecision(6)));

const Limit = Schema.Union([
  Schema.Finite,
  Schema.String.check(
    Schema.makeFilter((text) => !Number.isNaN(Date.parse(text)) || "expected an instant"),
  ),
]);

/** Inclusive limits as a check stores them; text is an instant. */
export const Limits = Schema.Struct({
  atLeast: Schema.optionalKey(Limit),
  atMost: Schema.optionalKey(Limit),
}).check(
  Schema.makeFilter(
    ({ atLeast, atMost }) =>
      atLeast !== undefined || atMost !== undefined || "expected atLeast, atMost or both",
  ),
);
/** See {@link Limits}. */
export type Limits = typeof Limits.Type;

/** Limits relative to the figure of a reference, as a check stores them. */
export const RelativeLimits = Schema.Struct({
  contract: Schema.String,
  within: Schema.optionalKey(Schema.Finite),
  by: Schema.optionalKey(Schema.Finite),
}).check(
  Schema.makeFilter(
    ({ within, by }) => (within === undefined) !== (by === undefined) || "expected within or by",
  ),
);
/** See {@link RelativeLimits}. */
export type RelativeLimits = typeof RelativeLimits.Type;

/** Whether a figure is as near to the reference's as it should be; a share of zero is zero. */
export const isNear = ({ within, by }: RelativeLimits, figure: number, reference: number) =>
  Math.abs(figure - reference) <= (by ?? (within ?? 0) * Math.abs(reference));

/** Relative limits in words: `within 10 % of that of trip`. */
export const relativeText = (
  { contract, within, by }: RelativeLimits,
  show: (figure: number) => string = figureText,
): string =>
  by === undefined
    ? `within ${figureText((within ?? 0) * 100)} % of that of ${contract}`
    : `at most ${show(by)} from that of ${contract}`;

/** A limit as a number: of an instant, its epoch milliseconds. */
export const limitNumber = (limit: number | string): number =>
  typeof limit === "number" ? limit : Date.parse(limit);

/** Whether a figure is within limits. */
export const within = ({ atLeast, atMost }: Limits, figure: number): boolean =>
  (atLeast === undefined || figure >= limitNumber(atLeast)) &&
  (atMost === undefined || figure <= limitNumber(atMost));

/** Limits in words: `at most 3 min`. */
export const limitsText = (
  { atLeast, atMost }: Limits,
  show: (figure: number) => string = figureText,
): string => {
  const low = atLeast === undefined ? undefined : show(limitNumber(atLeast));
  const high = atMost === undefined ? undefined : show(limitNumber(atMost));
  return low === undefined
    ? `at most ${high}`
    : high === undefined
      ? `at least ${low}`
      : low === high
        ? `of ${low}`
        : `from ${low} to ${high}`;
};
