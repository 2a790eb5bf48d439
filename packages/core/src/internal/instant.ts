/** Instants as text: ISO 8601 with a zone, of a day and an hour that exist. */

/** What a text must look like, in words. */
export const expectedInstant = "an ISO 8601 instant with a zone, such as 2001-06-01T10:15:00Z";

/** `2001-06-01T10:15:00Z`, seconds and up to nine decimals optional, `Z` or an offset. */
export const instantPattern =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Whether the instant exists. `Date` alone would read 30 February as 2 March, and 24:00 as the next
 * day.
 */
export const instantExists = (text: string): boolean => {
  if (!instantPattern.test(text) || Number.isNaN(Date.parse(text))) return false;
  const minute = text.slice(0, "2001-06-01T10:15".length);
  const read = new Date(`${minute}Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(minute);
};
