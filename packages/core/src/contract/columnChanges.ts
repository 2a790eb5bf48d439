/** What differs between two versions of a column, and whom it breaks. */
import * as Digest from "../Digest.ts";
import type { Classification, ColumnSpec } from "../Column.ts";
import { type ChangeKind, type Effect, type Found, sidesOf } from "./change.ts";

/** Every change of a column, which is called `name` now. */
export const columnChanges = (
  name: string,
  before: ColumnSpec,
  after: ColumnSpec,
): ReadonlyArray<Found> => {
  const change = <K extends keyof ColumnSpec>(
    kind: ChangeKind,
    field: K,
    judge: (was: ColumnSpec[K], is: ColumnSpec[K]) => readonly [Effect, string],
  ): ReadonlyArray<Found> => {
    const [was, is] = [before[field] ?? null, after[field] ?? null];
    if (Digest.canonicalJson(was) === Digest.canonicalJson(is)) return [];
    const [effect, why] = judge(before[field], after[field]);
    return [
      {
        kind,
        at: `columns.${name}.${field}`,
        column: name,
        before: was,
        after: is,
        breaks: sidesOf[effect],
        why: `"${name}" ${why}`,
      },
    ];
  };
  return [
    ...change("type", "type", (was, is) =>
      was === "int" && is === "float"
        ? ["loosened", "may have decimals: who reads whole numbers is not prepared for them"]
        : was === "float" && is === "int"
          ? ["tightened", "must be whole numbers: values with decimals are no longer accepted"]
          : ["replaced", `was ${was} and is ${is}: values of the one are not values of the other`],
    ),
    ...change("type", "items", () => ["replaced", "holds other values than before"]),
    ...change("type", "fields", () => ["replaced", "has other fields than before"]),
    ...change("type", "size", (was, is) => [
      "replaced",
      `has ${is} numbers instead of ${was}: the two are not of one space`,
    ]),
    ...change("nullability", "nullable", (_, is) =>
      is
        ? ["loosened", "may be null: who reads it is not prepared for that"]
        : ["tightened", "may no longer be null: rows without it are no longer accepted"],
    ),
    ...change("range", "min", (was, is) => [
      limit(was, is, "at least"),
      `${limitWords(was, is, "at least")}`,
    ]),
    ...change("range", "max", (was, is) => [
      limit(was, is, "at most"),
      `${limitWords(was, is, "at most")}`,
    ]),
    ...change("values", "values", judgeValues),
    ...change("pattern", "pattern", (was, is) =>
      was === undefined
        ? ["tightened", `must match ${is}: other text is no longer accepted`]
        : is === undefined
          ? ["loosened", `need no longer match ${was}: any text may come`]
          : [
              "replaced",
              `must match ${is} instead of ${was}: neither is known to contain the other`,
            ],
    ),
    ...change("unit", "unit", (was, is) =>
      was === undefined
        ? ["compatible", `says its unit, ${is}`]
        : is === undefined
          ? ["loosened", `no longer promises the unit ${was}`]
          : ["replaced", `is in ${is} instead of ${was}: the same number means something else`],
    ),
    ...change("zone", "zone", (was = "UTC", is = "UTC") =>
      was === is
        ? ["compatible", "says its time zone, UTC, which it had"]
        : ["replaced", `is read in ${is} instead of ${was}: the same text is another instant`],
    ),
    ...change("availability", "availableAt", (_, is) =>
      is === "outcome"
        ? [
            "loosened",
            "is known only after the decision: no model may read it any more, and those that do would peek",
          ]
        : ["tightened", "must be there at the decision: it has to be delivered earlier"],
    ),
    ...change("classification", "classification", judgeClassification),
    ...change("description", "description", () => ["compatible", "is described in other words"]),
    ...change("description", "renamedFrom", () => [
      "compatible",
      "says otherwise what it was called",
    ]),
  ];
};

/** A limit that moved away, or is gone, is looser; one that is new, or moved in, is tighter. */
export const limit = (
  was: number | undefined,
  is: number | undefined,
  side: "at least" | "at most",
): Effect => {
  if (is === undefined) return "loosened";
  if (was === undefined) return "tightened";
  return is > was === (side === "at least") ? "tightened" : "loosened";
};

const limitWords = (
  was: number | undefined,
  is: number | undefined,
  side: "at least" | "at most",
): string => {
  if (is === undefined) return `need no longer be ${side} ${was}: values beyond may come`;
  if (was === undefined) return `must be ${side} ${is}: values beyond are no longer accepted`;
  return limit(was, is, side) === "tightened"
    ? `must be ${side} ${is} instead of ${was}: values between are no longer accepted`
    : `need only be ${side} ${is} instead of ${was}: values between may come`;
};

const judgeValues = (
  was: ReadonlyArray<string> | undefined,
  is: ReadonlyArray<string> | undefined,
): readonly [Effect, string] => {
  if (is === undefined) return ["loosened", "may be any text: unseen values may come"];
  if (was === undefined) return ["tightened", `must be one of ${words(is)}`];
  const added = is.filter((value) => !was.includes(value));
  const removed = was.filter((value) => !is.includes(value));
  const grown = `may be ${words(added)}, which nobody has seen`;
  const shrunk = `may no longer be ${words(removed)}`;
  if (added.length === 0 && removed.length === 0) {
    return ["compatible", "lists its values in another order"];
  }
  if (removed.length === 0) return ["loosened", grown];
  return added.length === 0 ? ["tightened", shrunk] : ["replaced", `${grown}, and ${shrunk}`];
};

const words = (values: ReadonlyArray<string>): string => {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value));
  const more = values.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(", ");
};

/** From the least to the most protected. */
const protection: ReadonlyArray<Classification | undefined> = [
  undefined,
  "public",
  "internal",
  "confidential",
  "personal",
];

const judgeClassification = (
  was: Classification | undefined,
  is: Classification | undefined,
): readonly [Effect, string] => {
  if (is === undefined) return ["tightened", `is no longer classified as ${was}`];
  const from = was === undefined ? "" : ` instead of ${was}`;
  if (protection.indexOf(is) < protection.indexOf(was)) {
    return ["tightened", `is classified as ${is}${from}: its owner must say that more may see it`];
  }
  return was === undefined && (is === "public" || is === "internal")
    ? ["compatible", `is classified as ${is}`]
    : ["loosened", `is classified as ${is}${from}: who reads it must be allowed to`];
};
