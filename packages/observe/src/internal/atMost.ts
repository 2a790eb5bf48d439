/** Waits for a promise, but no longer than so many milliseconds; what it came to does not matter. */
export const atMost = async (promise: Promise<unknown>, millis: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, millis);
  });
  await Promise.race([promise, late]).catch(() => {});
  clearTimeout(timer);
};
