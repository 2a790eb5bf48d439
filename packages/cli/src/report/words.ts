/** Numbers, times and durations in words. All times are UTC, and say so. */
/** Shown where there is no value. */
export const none = "–";

/** Small counts stay as they are (`2001` may be a year); from 10,000 on, digits are grouped. */
const plain = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4, useGrouping: "min2" });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0, useGrouping: "min2" });
const compact = new Intl.NumberFormat("en-US", {
  notation: "compact",
  maximumSignificantDigits: 3,
});

/** A number with at most four significant digits; whole numbers are not rounded. */
export const number = (value: number): string => {
  if (!Number.isFinite(value)) return none;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return whole.format(value);
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e15 ? value.toExponential(2) : plain.format(value);
};

/** A number for an axis, short: `1.2M`. */
export const tick = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(0);
  return size >= 10_000 ? compact.format(value) : plain.format(value);
};

/** Numbers of one column, with the same number of decimals, so that they line up. */
export const column = (values: ReadonlyArray<number>): ((value: number) => string) => {
  const decimals = Math.max(0, ...values.map((value) => decimalsOf(number(value))));
  if (decimals > 6 || values.some((value) => number(value).includes("e"))) return number;
  const format = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    useGrouping: "min2",
  });
  return (value) => (Number.isFinite(value) ? format.format(value) : none);
};

const decimalsOf = (text: string): number => text.split(".")[1]?.length ?? 0;

/** A share as `12.3 %`. */
export const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

/** `1 gate`, `12 gates`. */
export const count = (amount: number, singular: string, plural = `${singular}s`): string =>
  `${number(amount)} ${amount === 1 ? singular : plural}`;

/** `a, b and c`. */
export const list = (items: ReadonlyArray<string>): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

const units = [
  ["day", "days", 86_400_000],
  ["h", "h", 3_600_000],
  ["min", "min", 60_000],
  ["s", "s", 1000],
] as const;

/** A duration in its two largest units: `3 min 12 s`, `1 day`, `12 ms`. */
export const duration = (millis: number): string => {
  if (!Number.isFinite(millis) || millis < 0) return none;
  if (millis < 1000) return `${Math.round(millis)} ms`;
  if (millis < 10_000) return `${Number((millis / 1000).toFixed(1))} s`;
  let rest = Math.round(millis / 1000) * 1000;
  const parts: Array<{ readonly rank: number; readonly text: string }> = [];
  for (const [rank, [one, many, size]] of units.entries()) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push({ rank, text: `${number(amount)} ${amount === 1 ? one : many}` });
  }
  const [first, second] = parts;
  if (first === undefined) return "0 s";
  return second !== undefined && second.rank === first.rank + 1
    ? `${first.text} ${second.text}`
    : first.text;
};

const isTime = (date: Date): boolean => Number.isFinite(date.getTime());

const dayFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const timeFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** `14 Jun 2026`. */
export const day = (date: Date): string =>
  isTime(date) ? dayFormat.format(date) : "an unknown day";

/** `14 Jun 2026, 08:00 UTC`. */
export const instant = (date: Date): string =>
  isTime(date) ? `${dayFormat.format(date)}, ${timeFormat.format(date)} UTC` : "an unknown time";

/** An instant of event time: the day alone if it is a midnight. */
export const eventTime = (date: Date): string =>
  isTime(date) && date.getTime() % 86_400_000 === 0 ? day(date) : instant(date);

/** The time from one instant to another, if both are known. */
export const between = (from: Date, to: Date | undefined): string =>
  to === undefined ? none : duration(to.getTime() - from.getTime());

/** A value as JSON on one line, cut at `most` characters. */
export const json = (value: unknown, most = 120): string => cut(stringify(value) ?? none, most);

const stringify = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value);
  } catch {
    // A payload is whatever a signal carried: it may hold what JSON cannot.
    return undefined;
  }
};

/** Text cut at `most` characters, with an ellipsis. */
export const cut = (text: string, most: number): string => {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
};

/** The first characters of a digest, enough to compare by eye. */
export const short = (digest: string): string => cut(digest.replace(/^sha256-/, ""), 13);

/** The name of a stage without the sub-pipelines that it is in. */
export const ownName = ({
  name,
  group = [],
}: {
  readonly name: string;
  readonly group?: ReadonlyArray<string>;
}): string => {
  const prefix = [...group, ""].join("/");
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
};
