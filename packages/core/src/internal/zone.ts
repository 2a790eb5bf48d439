/** Time zones of the IANA database. */

/** Whether there is a time zone of that name. */
export const isZone = (name: string): boolean => {
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
};
