/** What differs between two versions of a contract's expectations, and whom it breaks. */
import type * as Schema from "effect/Schema";
import type { CheckSpec } from "../Check.ts";
import * as Digest from "../Digest.ts";
import { type Effect, type Found, sidesOf } from "./change.ts";
import { limit } from "./columnChanges.ts";

/**
 * Every change of the expectations. Only one that fails a table is a promise; the others warn, so that
 * adding, changing and removing them breaks nobody.
 */
export const expectationChanges = (
  before: ReadonlyArray<CheckSpec>,
  after: ReadonlyArray<CheckSpec>,
): ReadonlyArray<Found> => {
  const pairs = pair(before, after);
  const removed = before.filter((check) => !pairs.has(check));
  const kept = new Set(pairs.values());
  const added = after.filter((check) => !kept.has(check));
  const changed = [...pairs].flatMap(([was, is]) => {
    if (Digest.canonicalJson(was) === Digest.canonicalJson(is)) return [];
    const [effect, why] = judge(was, is);
    return [found("expectation-changed", is.name, was, is, effect, why)];
  });
  const moved =
    removed.length === 0 &&
    added.length === 0 &&
    changed.length === 0 &&
    Digest.canonicalJson(before) !== Digest.canonicalJson(after);
  return [
    ...removed.map((check) =>
      found(
        "expectation-removed",
        check.name,
        check,
        null,
        isPromise(check) ? "loosened" : "compatible",
        "is no longer checked",
      ),
    ),
    ...added.map((check) =>
      found(
        "expectation-added",
        check.name,
        null,
        check,
        isPromise(check) ? "tightened" : "compatible",
        isPromise(check) ? "must hold: tables without it are no longer accepted" : "is looked at",
      ),
    ),
    ...changed,
    ...(moved
      ? [
          found(
            "expectation-changed",
            "order",
            before.map(({ name }) => name),
            after.map(({ name }) => name),
            "compatible",
            "is another one",
          ),
        ]
      : []),
  ];
};

const isPromise = ({ severity }: CheckSpec): boolean => severity === "fail";

/** Those of one name, then those that check the same under another name. */
const pair = (
  before: ReadonlyArray<CheckSpec>,
  after: ReadonlyArray<CheckSpec>,
): ReadonlyMap<CheckSpec, CheckSpec> => {
  const pairs = new Map<CheckSpec, CheckSpec>();
  const taken = new Set<CheckSpec>();
  for (const same of [({ name }: CheckSpec) => name, identity]) {
    for (const was of before) {
      if (pairs.has(was)) continue;
      const is = after.find((check) => !taken.has(check) && same(check) === same(was));
      if (is === undefined) continue;
      pairs.set(was, is);
      taken.add(is);
    }
  }
  return pairs;
};

const identity = ({ kind, columns, args, where }: CheckSpec): string =>
  Digest.canonicalJson({ kind, columns, args, where });

const judge = (was: CheckSpec, is: CheckSpec): readonly [Effect, string] => {
  if (!isPromise(was) && !isPromise(is)) {
    return ["compatible", "is looked at in another way, and still only warns"];
  }
  if (!isPromise(is)) return ["loosened", `only warns: its severity is ${is.severity}`];
  if (!isPromise(was)) return ["tightened", "must hold, where it only warned"];
  if (sameWords(was) !== sameWords(is)) {
    return ["replaced", "checks something else: what it promised before is not known to follow"];
  }
  const effects = [
    ...(was.mostly === is.mostly ? [] : [limit(was.mostly ?? 1, is.mostly ?? 1, "at least")]),
    ...argEffects(was, is),
  ];
  const [first = "compatible", ...rest] = effects.filter((effect) => effect !== "compatible");
  const effect = rest.every((other) => other === first) ? first : "replaced";
  const words: { readonly [effect in Effect]: string } = {
    loosened: "allows more than before",
    tightened: "allows less than before",
    replaced: "allows other tables than before",
    compatible: "is the same check in other words",
  };
  return [effect, words[effect]];
};

/** What a change of makes it another check. */
const sameWords = ({ kind, columns, where }: CheckSpec): string =>
  Digest.canonicalJson({ kind, columns, where });

const argEffects = (was: CheckSpec, is: CheckSpec): ReadonlyArray<Effect> =>
  [...new Set([...Object.keys(was.args), ...Object.keys(is.args)])].flatMap(
    (key): ReadonlyArray<Effect> => {
      const [before, after] = [was.args[key], is.args[key]];
      if (Digest.canonicalJson(before) === Digest.canonicalJson(after)) return [];
      if (key === "atLeast" || key === "atMost") {
        return [limit(limitOf(before), limitOf(after), key === "atLeast" ? "at least" : "at most")];
      }
      return key === "values" && Array.isArray(before) && Array.isArray(after)
        ? [setEffect(is.kind, before, after)]
        : ["replaced"];
    },
  );

/** Limits are numbers, or instants as text. */
const limitOf = (value: Schema.Json | undefined): number | undefined =>
  value === undefined ? undefined : typeof value === "string" ? Date.parse(value) : Number(value);

/** Of values that are allowed, or of values that are not. */
const setEffect = (
  kind: string,
  before: ReadonlyArray<Schema.Json>,
  after: ReadonlyArray<Schema.Json>,
): Effect => {
  const [was, is] = [before, after].map((values) => values.map(Digest.canonicalJson));
  const grown = was?.every((value) => is?.includes(value)) ?? false;
  const shrunk = is?.every((value) => was?.includes(value)) ?? false;
  if (grown && shrunk) return "compatible";
  if (grown) return allows.has(kind) ? "loosened" : forbids.has(kind) ? "tightened" : "replaced";
  if (shrunk) return allows.has(kind) ? "tightened" : forbids.has(kind) ? "loosened" : "replaced";
  return "replaced";
};

const allows: ReadonlySet<string> = new Set(["in-set", "combination-in-set"]);
const forbids: ReadonlySet<string> = new Set(["not-in-set", "contains"]);

const found = (
  kind: Found["kind"],
  name: string,
  before: Schema.Json,
  after: Schema.Json,
  effect: Effect,
  why: string,
): Found => ({
  kind,
  at: `expectations.${name}`,
  before,
  after,
  breaks: sidesOf[effect],
  why:
    name === "order" ? `the order of the expectations ${why}` : `the expectation "${name}" ${why}`,
});
