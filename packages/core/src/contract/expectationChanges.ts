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
    ...argEffects(was.args, is.args),
  ];
  const [first = "compatible", ...rest] = effects;
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

const lower = /^(?:min|minimum|atLeast|moreThan)/;
const upper = /^(?:max|maximum|atMost|lessThan)/;

const argEffects = (was: CheckSpec["args"], is: CheckSpec["args"]): ReadonlyArray<Effect> =>
  [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((key): ReadonlyArray<Effect> => {
    const [before, after] = [was[key], is[key]];
    if (Digest.canonicalJson(before) === Digest.canonicalJson(after)) return [];
    const side = lower.test(key) ? "at least" : upper.test(key) ? "at most" : undefined;
    return side !== undefined && isLimit(before) && isLimit(after)
      ? [limit(before, after, side)]
      : ["replaced"];
  });

const isLimit = (value: Schema.Json | undefined): value is number | undefined =>
  value === undefined || typeof value === "number";

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
