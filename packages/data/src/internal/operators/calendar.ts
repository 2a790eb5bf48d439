/**
 * The proleptic Gregorian calendar on whole days since 1970-01-01. A year begins in March here, so that
 * the leap day is its last: the algorithms of Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", for any day, where `Date` ends in the middle of a year.
 */

const daysOfEra = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const epoch = 719_468;

/** A day of the calendar; months from 1. */
export interface CivilDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The date of a day. */
export const civilDay = (days: number): CivilDay => {
  const shifted = days + epoch;
  const era = Math.floor(shifted / daysOfEra);
  const dayOfEra = shifted - era * daysOfEra;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
};

/** The first day of a month; `month` counts from 1 and may lie outside the year. */
export const firstOfMonth = (year: number, month: number): number => {
  const months = year * 12 + month - 1;
  const calendarYear = Math.floor(months / 12);
  const calendarMonth = months - calendarYear * 12 + 1;
  const shiftedYear = calendarMonth <= 2 ? calendarYear - 1 : calendarYear;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const shiftedMonth = calendarMonth > 2 ? calendarMonth - 3 : calendarMonth + 9;
  const dayOfYear = Math.floor((153 * shiftedMonth + 2) / 5);
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * daysOfEra + dayOfEra - epoch;
};
