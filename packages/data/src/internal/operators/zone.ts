/** The wall clocks of time zones, by the IANA database that the JavaScript engine carries. */
import type { Param } from "./Operator.ts";

/**
 * The years for which zones are defined: before, few have exact rules, and databases differ; after, no
 * rule is known.
 */
export const zonedYears = { from: 1970, to: 2100 } as const;

const [first, end] = [Date.UTC(zonedYears.from, 0), Date.UTC(zonedYears.to, 0)];

/** Whether this is a zone that has a name of its own in the database. */
export const isZone = (param: Param | undefined): boolean => {
  // Offsets such as +02:00 are no zones of the database: SQL reads them the other way round.
  if (typeof param !== "string" || !/^[A-Za-z]/.test(param)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: param });
    return true;
  } catch {
    return false;
  }
};

/** Offsets are looked up once for each stretch of this length, unless they change inside it. */
const stretchMs = 6 * 3_600_000;

type WallClock = (at: number) => number;
const clocks = new Map<string, WallClock>();

/**
 * From an instant to what clocks in the zone show, as milliseconds as if that were UTC; NaN where that is
 * not known.
 */
export const zonedTo = (zone: string): WallClock => {
  const found = clocks.get(zone) ?? make(zone);
  clocks.set(zone, found);
  return found;
};

const make = (zone: string): WallClock => {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  const offsetAt = (at: number): number => {
    const name = format.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign, hours, minutes, seconds] =
      /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name) ?? [];
    const size = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0);
    return (sign === "-" ? -1000 : 1000) * size;
  };
  const constant = new Map<number, number | null>();
  return (at) => {
    if (!(at >= first && at < end)) return Number.NaN;
    const stretch = Math.floor(at / stretchMs);
    let offset = constant.get(stretch);
    if (offset === undefined) {
      const before = offsetAt(stretch * stretchMs);
      offset = before === offsetAt((stretch + 1) * stretchMs) ? before : null;
      constant.set(stretch, offset);
    }
    return at + (offset ?? offsetAt(at));
  };
};
