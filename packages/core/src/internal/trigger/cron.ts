/** When a calendar says that something is due. */
import * as Cron from "effect/Cron";
import * as DateTime from "effect/DateTime";
import * as Result from "effect/Result";
import type { CronSpec, Due, StateOf } from "./spec.ts";

/** An occurrence that is found later than this was missed. */
const lateMs = 60_000;

/** Nobody wants the year of minutes that a machine was off: the newest of them are kept. */
const mostMissed = 1000;

const hourMs = 3_600_000;

/** Clocks are moved by at most so much. */
const mostShiftMs = 3 * hourMs;

const policies = { first: "earlier", second: "later", both: "both" } as const;

/** The calendar of an expression, or what is wrong with it. */
export const parseCron = (
  expression: string,
  timeZone: string,
  repeated: CronSpec["repeated"] = "first",
): Result.Result<Cron.Cron, string> =>
  Result.mapError(
    Cron.parse(expression, timeZone, { onDstOverlap: policies[repeated] }),
    ({ message }) => message,
  );

/** A job of every hour runs in every hour that passes; one of certain hours runs once. */
export const usualRepeated = ({ hours }: Cron.Cron): CronSpec["repeated"] =>
  hours.size === 0 || hours.size === 24 ? "both" : "first";

const calendars = new Map<string, Cron.Cron>();

const calendarOf = ({ expression, timeZone, repeated }: CronSpec): Cron.Cron => {
  const key = JSON.stringify([expression, timeZone, repeated]);
  const known = calendars.get(key);
  if (known !== undefined) return known;
  const made = Result.getOrThrowWith(
    parseCron(expression, timeZone, repeated),
    (problem) => new TypeError(`not a calendar: ${expression} ${timeZone}: ${problem}`),
  );
  calendars.set(key, made);
  return made;
};

/** The first instant of the calendar after another one. */
export const following = (spec: CronSpec, after: Date): Date => firstAfter(calendarOf(spec), after);

const firstAfter = (calendar: Cron.Cron, after: Date): Date => {
  // Begun inside the hour after a jump of the clock, the search would overlook what falls into it.
  const before = new Date(after.getTime() - mostShiftMs);
  let found = offset(calendar, before) === offset(calendar, after) ? after : before;
  do found = Cron.next(calendar, found);
  while (found <= after);
  return found;
};

const offset = (calendar: Cron.Cron, at: Date): number =>
  calendar.tz._tag === "None"
    ? 0
    : DateTime.zonedOffset(DateTime.makeZonedUnsafe(at, { timeZone: calendar.tz.value }));

/** Instants after one and up to another, the oldest first: the newest `most` of them. */
const between = (
  calendar: Cron.Cron,
  after: Date,
  until: Date,
  most: number,
): ReadonlyArray<Date> => {
  const found: Array<Date> = [];
  for (let spanMs = hourMs; found.length < most; spanMs *= 2) {
    const begin = new Date(Math.max(after.getTime(), until.getTime() - spanMs));
    found.length = 0;
    for (let at = firstAfter(calendar, begin); at <= until; at = firstAfter(calendar, at)) {
      found.push(at);
    }
    if (begin <= after) break;
  }
  return found.slice(-most);
};

/** See `Trigger.due`. */
export const dueCron = (
  spec: CronSpec,
  state: StateOf<"cron"> | undefined,
  now: Date,
): Due<StateOf<"cron">> => {
  if (state === undefined) return { occurrences: [], state: { kind: "cron", until: now } };
  const calendar = calendarOf(spec);
  // Also where the clock went back: what is due must be later than what has been.
  if (now <= state.until || firstAfter(calendar, state.until) > now) {
    return { occurrences: [], state };
  }
  const found = between(calendar, state.until, now, spec.missed === "all" ? mostMissed : 1);
  const kept =
    spec.missed === "skip" ? found.filter((at) => now.getTime() - at.getTime() <= lateMs) : found;
  return {
    occurrences: kept.map((at) => at.toISOString()),
    state: { kind: "cron", until: found.at(-1) ?? state.until },
  };
};
