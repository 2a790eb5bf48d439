/** Gives names that none of `taken` has, in any case: a trailing `_` is added where one has it. */
export const freeName = (taken: ReadonlyArray<string>): ((name: string) => string) => {
  const names = new Set(taken.map((name) => name.toLowerCase()));
  const free = (name: string): string => (names.has(name) ? free(`${name}_`) : name);
  return free;
};
