/** What splits and folds at random tell of themselves. */
import type { Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { percent, whole } from "../Words.ts";
import { findingsOfReasons, findingsOfUnknown, type GivenReasons } from "./refusal.ts";
import type { Strata } from "./strata.ts";
import { type Duplicates, duplicatesText } from "./units.ts";

/** What there is to tell. */
interface Told {
  readonly title: string;
  /** Heads of the columns with the parts and with their rows. */
  readonly heads: readonly [part: string, rows: string];
  readonly parts: ReadonlyArray<{ readonly name: string | number; readonly rows: number }>;
  readonly strata: Strata;
  /** The column whose groups stay whole, if rows belong to one. */
  readonly group: string | undefined;
  readonly duplicates: Duplicates;
  /** Rows that are equal to another. */
  readonly repeated: number;
  /** Rows that are in no part. */
  readonly left: number;
  readonly reasons: GivenReasons;
}

/** Shows the parts with their shares, what strata show, and what must be known about them. */
export const tell = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  { exhibit, finding }: Pick<Stage.StageContext<{}>, "exhibit" | "finding">,
  { title, heads, parts, strata, group, duplicates, repeated, left, reasons }: Told,
) {
  const used = parts.reduce((sum, { rows }) => sum + rows, 0);
  yield* exhibit({
    _tag: "table",
    title,
    caption: [
      ...(group === undefined
        ? duplicatesText(duplicates, repeated, left)
        : [`${whole(left)} rows have no ${group} and are left out`]),
      ...Object.values(reasons).map((reason) => `at random, because: ${reason}`),
    ].join("; "),
    columns: [...heads, "share", ...(group === undefined ? [] : ["groups"])],
    rows: parts.map(({ name, rows }, index) => [
      name,
      rows,
      percent(rows / used),
      ...(group === undefined ? [] : [strata.units[index] ?? 0]),
    ]),
  });
  yield* Effect.forEach(strata.exhibits, exhibit);
  yield* Effect.forEach(
    [
      ...findingsOfReasons(contract, reasons),
      ...(group === undefined ? [] : findingsOfUnknown(contract, "group", left)),
      ...strata.findings,
    ],
    finding,
  );
});
