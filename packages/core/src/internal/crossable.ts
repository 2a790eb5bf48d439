/** What survives the way to another thread: plain data. */

/** Kinds of objects that arrive as they were sent. */
const kinds: ReadonlyArray<Function> = [
  Date,
  RegExp,
  ArrayBuffer,
  SharedArrayBuffer,
  DataView,
  Object.getPrototypeOf(Int8Array),
];

/**
 * What of a value does not survive, and where; `undefined` if all does. An instance of a class would
 * arrive without its class.
 */
export const notCrossable = (value: unknown): string | undefined => {
  const seen = new Set<object>();
  const look = (value: unknown, where: string): string | undefined => {
    if (typeof value === "function" || typeof value === "symbol") {
      return `a ${typeof value}${at(where)}`;
    }
    if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
    if (kinds.some((kind) => value instanceof kind)) return undefined;
    seen.add(value);
    if (Array.isArray(value))
      return first(value, (part, index) => look(part, `${where}[${index}]`));
    if (value instanceof Map) {
      return first([...value].flat(), (part) => look(part, `${where}, in a Map`));
    }
    if (value instanceof Set) return first([...value], (part) => look(part, `${where}, in a Set`));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      const name = value.constructor?.name ?? "";
      return `an instance of ${name === "" || name === "Object" ? "a class" : name}${at(where)}`;
    }
    return first(Object.entries(value), ([key, part]) => look(part, `${where}["${key}"]`));
  };
  return look(value, "");
};

const at = (where: string): string => (where === "" ? "" : ` at ${where}`);

const first = <A>(
  list: ReadonlyArray<A>,
  look: (item: A, index: number) => string | undefined,
): string | undefined => {
  for (const [index, item] of list.entries()) {
    const found = look(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
};
