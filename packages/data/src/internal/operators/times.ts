/** Operators on instants: milliseconds since 1970, in the proleptic Gregorian calendar. */
import { literal } from "../../Duckdb.ts";
import { civilDay, firstOfMonth } from "./calendar.ts";
import { once, one, type Operator, type Param } from "./Operator.ts";
import { roundHalfAway } from "./numbers.ts";
import { isZone, zonedTo, zonedYears } from "./zone.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Beyond it, ECMAScript has no dates: 100 million days from 1970. */
const maxInstantMs = 8.64e15;

/** The remainder from 0 on; `%` of numbers beyond 32 bits is slow. */
const modulo = (value: number, by: number) => value - Math.floor(value / by) * by;
const day = (at: number) => Math.floor(at / dayMs);
const within = (at: number): number => (Math.abs(at) <= maxInstantMs ? at : Number.NaN);

/** An instant from milliseconds in SQL, as a double: whole numbers would overflow, and raise. */
const instantSql = (ms: string) =>
  once(
    ms,
    (at) => `(CASE WHEN abs(${at}) <= ${maxInstantMs} THEN epoch_ms(CAST(${at} AS BIGINT)) END)`,
  );
const msSql = (time: string) => `CAST(epoch_ms(${time}) AS DOUBLE)`;

const zoneProblem = (params: ReadonlyArray<Param>): string | undefined =>
  params.length === 0 || (params.length === 1 && isZone(params[0]))
    ? undefined
    : `takes a time zone of the IANA database, such as America/New_York, not ${params.join(", ")}`;

/** The wall clock of a zone, as if it were UTC; outside the years whose rules are known: missing. */
const wallClockSql = (time: string, zone: Param | undefined): string =>
  zone === undefined
    ? time
    : once(
        time,
        (at) =>
          `(CASE WHEN ${at} >= TIMESTAMP '${zonedYears.from}-01-01' AND ${at} < TIMESTAMP '${zonedYears.to}-01-01' THEN ((${at} AT TIME ZONE 'UTC') AT TIME ZONE ${literal(String(zone))}) END)`,
      );

/** A part of the date or of the time of day, in UTC or in a zone. */
const part = (sql: (wall: string) => string, js: (wallMs: number) => number) =>
  ({
    takes: ["time"],
    gives: "number",
    coarse: true,
    problem: zoneProblem,
    sql: ([a = ""], [zone]) => `CAST(${sql(wallClockSql(a, zone))} AS DOUBLE)`,
    wholeSql: ([a = ""], [zone]) => sql(wallClockSql(a, zone)),
    js: ([zone]) => {
      if (zone === undefined) return js;
      const wallClock = zonedTo(String(zone));
      return (at: number) => js(wallClock(at));
    },
    whole: "always",
  }) satisfies Operator;

const civil = (at: number) => civilDay(day(at));
const startOfYear = (at: number) => firstOfMonth(civil(at).year, 1);
const quarterOf = (at: number) => Math.floor((civil(at).month + 2) / 3);

/** Monday 1 to Sunday 7. 1970-01-01 was a Thursday, day 4 of the ISO week. */
const isoDay = (at: number) => modulo(day(at) + 3, 7) + 1;

/** ISO 8601: week 1 is the one with the year's first Thursday. */
const isoWeek = (at: number) => {
  const thursday = day(at) - isoDay(at) + 4;
  return Math.floor((thursday - firstOfMonth(civilDay(thursday).year, 1)) / 7) + 1;
};

const units = {
  minute: (at) => Math.floor(at / minuteMs) * minuteMs,
  hour: (at) => Math.floor(at / (60 * minuteMs)) * 60 * minuteMs,
  day: (at) => day(at) * dayMs,
  week: (at) => (day(at) - isoDay(at) + 1) * dayMs,
  month: (at) => firstOfMonth(civil(at).year, civil(at).month) * dayMs,
  quarter: (at) => firstOfMonth(civil(at).year, quarterOf(at) * 3 - 2) * dayMs,
  year: (at) => startOfYear(at) * dayMs,
} satisfies { readonly [unit: string]: (at: number) => number };

/** What an instant can be cut down to. A week begins on Monday. */
export type Unit = keyof typeof units;

const isUnit = (param: Param | undefined): param is Unit =>
  typeof param === "string" && Object.hasOwn(units, param);

export const times = {
  /** A constant. */
  instant: {
    takes: [],
    gives: "time",
    problem: one(
      "an instant in milliseconds since 1970",
      (ms) => Number.isInteger(ms) && Math.abs(Number(ms)) <= maxInstantMs,
    ),
    sql: (_, [ms]) => `epoch_ms(CAST(${Number(ms)} AS BIGINT))`,
    js:
      ([ms]) =>
      () =>
        Number(ms),
  },
  year: part(
    (at) => `year(${at})`,
    (at) => civil(at).year,
  ),
  quarter: part((at) => `quarter(${at})`, quarterOf),
  month: part(
    (at) => `month(${at})`,
    (at) => civil(at).month,
  ),
  isoWeek: part((at) => `weekofyear(${at})`, isoWeek),
  dayOfYear: part(
    (at) => `dayofyear(${at})`,
    (at) => day(at) - startOfYear(at) + 1,
  ),
  dayOfMonth: part(
    (at) => `day(${at})`,
    (at) => civil(at).day,
  ),
  dayOfWeek: part((at) => `isodow(${at})`, isoDay),
  hourOfDay: part(
    (at) => `hour(${at})`,
    (at) => Math.floor(modulo(at, dayMs) / (60 * minuteMs)),
  ),
  minuteOfDay: part(
    (at) => once(at, (time) => `(hour(${time}) * 60 + minute(${time}))`),
    (at) => Math.floor(modulo(at, dayMs) / minuteMs),
  ),
  /** In UTC. */
  startOf: {
    takes: ["time"],
    gives: "time",
    coarse: true,
    problem: one(Object.keys(units).join(", "), isUnit),
    sql: ([a], [unit]) => instantSql(msSql(`date_trunc('${isUnit(unit) ? unit : "day"}', ${a})`)),
    js: ([unit]) => {
      const cut: (at: number) => number = isUnit(unit) ? units[unit] : units.day;
      return (at: number) => within(cut(at));
    },
  },
  plusMinutes: {
    takes: ["time", "number"],
    gives: "time",
    sql: ([a = "", b]) => instantSql(`(${msSql(a)} + round(${b} * ${minuteMs}))`),
    js: () => (at: number, minutes: number) => within(at + roundHalfAway(minutes * minuteMs)),
  },
  /** The same day and time of another month; where it is too short, its last day. In UTC. */
  plusMonths: {
    takes: ["time"],
    gives: "time",
    problem: one(
      "a whole number of months within ±12000",
      (months) => Number.isInteger(months) && Math.abs(Number(months)) <= 12_000,
    ),
    sql: ([a = ""], [months]) => instantSql(msSql(`(${a} + to_months(${Number(months)}))`)),
    js: ([months]) => {
      const by = Number(months);
      return (at: number) => {
        const from = civil(at);
        const first = firstOfMonth(from.year, from.month + by);
        const days = firstOfMonth(from.year, from.month + by + 1) - first;
        return within((first + Math.min(from.day, days) - 1) * dayMs + modulo(at, dayMs));
      };
    },
  },
  /** Negative if the other instant is earlier. */
  minutesUntil: {
    takes: ["time", "time"],
    gives: "number",
    sql: ([a = "", b = ""]) => `((${msSql(b)} - ${msSql(a)}) / ${minuteMs})`,
    js: () => (from: number, to: number) => (to - from) / minuteMs,
  },
} as const satisfies { readonly [name: string]: Operator };
