/** JSON compared to its leaves. */
import * as Schema from "effect/Schema";

/** A place at which two JSON values are not the same. */
export const Leaf = Schema.Struct({
  /** Keys from the outside in. Members of a list are named by what names them, else by number. */
  path: Schema.Array(Schema.String),
  /** Absent if there was nothing. */
  was: Schema.optionalKey(Schema.Json),
  is: Schema.optionalKey(Schema.Json),
});
/** See {@link Leaf}. */
export type Leaf = typeof Leaf.Type;

/** How two numbers are held against each other. */
export type SameNumber = (a: number, b: number) => boolean;

/** Every place at which they differ, in the order of keys; none if they are equal. */
export const leavesBetween = (
  was: Schema.Json | undefined,
  is: Schema.Json | undefined,
  sameNumber: SameNumber = Object.is,
  path: ReadonlyArray<string> = [],
): ReadonlyArray<Leaf> => {
  const [before, after] = [membersOf(was), membersOf(is)];
  if (before !== undefined && after !== undefined && Array.isArray(was) === Array.isArray(is)) {
    const keys = new Set([...before.keys(), ...after.keys()]);
    const inside = [...keys].flatMap((key) =>
      leavesBetween(before.get(key), after.get(key), sameNumber, [...path, key]),
    );
    const [order, other] = [[...before.keys()], [...after.keys()]];
    const moved =
      Array.isArray(was) && inside.length === 0 && order.join("\n") !== other.join("\n");
    return moved ? [{ path, was: order, is: other }] : inside;
  }
  if (typeof was === "number" && typeof is === "number" && sameNumber(was, is)) return [];
  // Of a list or an object, only one that is empty has the same text as another of it.
  if (JSON.stringify(was) === JSON.stringify(is)) return [];
  return [{ path, ...(was === undefined ? {} : { was }), ...(is === undefined ? {} : { is }) }];
};

const membersOf = (
  value: Schema.Json | undefined,
): ReadonlyMap<string, Schema.Json> | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  if (!isList(value)) return new Map(Object.entries(value));
  return keyed(value, nameOf);
};

const isList = (value: Schema.JsonObject | Schema.JsonArray): value is Schema.JsonArray =>
  Array.isArray(value);

/** Members by name; those of the same name are numbered. */
export const keyed = <A>(
  list: ReadonlyArray<A>,
  name: (member: A) => string | undefined,
): ReadonlyMap<string, A> => {
  const found = new Map<string, A>();
  for (const [index, member] of list.entries()) {
    const wanted = name(member) ?? String(index + 1);
    let key = wanted;
    for (let n = 2; found.has(key); n++) key = `${wanted} (${n})`;
    found.set(key, member);
  }
  return found;
};

/** What people would call a member of a list. */
const nameOf = (member: Schema.Json): string | undefined => {
  if (typeof member !== "object" || member === null || isList(member)) return undefined;
  for (const key of ["name", "gate", "check", "column", "feature", "day"]) {
    const name = member[key];
    if (typeof name === "string") return name;
  }
  return undefined;
};
