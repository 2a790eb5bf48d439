/** Periods of a split by time: from cuts and an embargo to bounds, and from bounds to SQL and words. */
import { Column } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { identifier } from "../Duckdb.ts";

/** Where the periods begin: dates (midnight UTC) or instants with a zone, in ISO 8601. */
export interface Cuts {
  readonly validation: string;
  readonly test: string;
  readonly live: string;
}

/** A period `[from, to)` in epoch milliseconds. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

/** The parts of a split by time, in their order. */
export const timeRoles = ["train", "validation", "test", "live"] as const;

/** The periods that cuts mean, each ending an embargo before the next begins. Throws a `TypeError`. */
export const periodsOf = (
  cuts: Cuts,
  embargoMs: number,
): { readonly [role in (typeof timeRoles)[number]]: Period } => {
  const validation = instantOf(cuts.validation);
  const test = instantOf(cuts.test);
  const live = instantOf(cuts.live);
  if (!(validation < test && test < live)) {
    throw new TypeError("split: the cuts must come in the order validation, test, live");
  }
  if (!(embargoMs >= 0 && embargoMs < Math.min(test - validation, live - test))) {
    throw new TypeError("split: the embargo must be shorter than the periods, and not negative");
  }
  return {
    train: { from: -Infinity, to: validation - embargoMs },
    validation: { from: validation, to: test - embargoMs },
    test: { from: test, to: live - embargoMs },
    live: { from: live, to: Infinity },
  };
};

/** A date is the midnight, UTC, at which it begins; what a cut means never depends on where it is read. */
export const instantOf = (text: string, of = "split"): number => {
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  const decoded = Schema.decodeUnknownResult(Column.timestamp().schema)(iso);
  if (decoded._tag === "Failure") {
    throw new TypeError(
      `${of}: "${text}" is not a date such as 2001-05-01, or an instant with a zone such as 2001-05-01T06:00:00Z`,
    );
  }
  return decoded.success.getTime();
};

/** Whether a row's event lies in a period, in SQL; null where the row has no time. */
export const within = (column: string, { from, to }: Period): string => {
  const time = `CAST(${identifier(column)} AS TIMESTAMP)`;
  const bounds = [
    ...(from === -Infinity ? [] : [`${time} >= epoch_ms(${from})`]),
    ...(to === Infinity ? [] : [`${time} < epoch_ms(${to})`]),
  ];
  return bounds.join(" AND ");
};

/** An instant as people read it in UTC: `2001-05-01 00:00`. */
export const textOf = (at: number): string =>
  Number.isFinite(at)
    ? new Date(at).toISOString().slice(0, 16).replace("T", " ")
    : at < 0
      ? "the start"
      : "the end";
