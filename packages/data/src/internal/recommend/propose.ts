/** What each form of recommender proposes to one user, from parts: the lists that `candidates.ts` makes for all. */
import { createHash } from "node:crypto";
import * as Best from "../../recommend/Best.ts";
import { fixedPoint, scoreItems, type Side } from "./candidates.ts";
import type { Reader } from "./parts.ts";

/** Items of a source, the best first, with their scores. */
export interface Proposal {
  readonly items: Int32Array;
  readonly scores: Float64Array;
}

/** For whom. */
export interface Who {
  /** The user's number; -1 for one that is not known. */
  readonly user: number;
  /** The user's name, also of one that is not known; empty for nobody in particular. */
  readonly name: string;
  /** By item, 1 for what the user has met. */
  readonly met: Uint8Array;
  /** What the user liked. */
  readonly liked: Int32Array;
}

/** Proposes at most `perUser` items that the user has not met. */
export type Proposer = (who: Who, perUser: number) => Proposal;

/** How a form recommends, as a release says it; the arrays are in its parts. */
export type ServedForm =
  | { readonly _tag: "factors"; readonly base: number; readonly factors: number }
  | { readonly _tag: "neighbours" }
  | { readonly _tag: "scores" }
  | { readonly _tag: "random"; readonly seed: number };

/** The proposer of a source, whose parts begin with its place among the sources. */
export const proposerOf = (
  form: ServedForm,
  parts: Reader,
  at: number,
  items: number,
): Proposer => {
  switch (form._tag) {
    case "factors":
      return byFactors(form, parts, at, items);
    case "neighbours":
      return byNeighbours(parts, at, items);
    case "scores": {
      const [order, scores] = [parts.places(`${at}.order`), parts.numbers(`${at}.scores`)];
      return (who, perUser) => along(order, 0, who, perUser, (place) => scores[place]!);
    }
    case "random": {
      const order = parts.places(`${at}.order`);
      return (who, perUser) =>
        along(
          order,
          startOf(form.seed, who.name, order.length),
          who,
          perUser,
          (_, t) => 1 / (1 + t),
        );
    }
  }
};

const nothing: Proposal = { items: new Int32Array(), scores: new Float64Array() };

const byFactors = (
  form: Extract<ServedForm, { _tag: "factors" }>,
  parts: Reader,
  at: number,
  items: number,
): Proposer => {
  const sideOf = (name: string): Side & { readonly numbers: Int32Array } => {
    const numbers = parts.places(`${at}.${name}.numbers`);
    const bias = parts.numbers(`${at}.${name}.bias`);
    return {
      numbers,
      bias,
      count: numbers.length,
      factors: parts.numbers(`${at}.${name}.factors`),
    };
  };
  const [users, known] = [sideOf("users"), sideOf("items")];
  const rowOf = new Map(Array.from(users.numbers, (user, row) => [user, row]));
  const scores = new Float64Array(known.count);
  const all = new Float64Array(items);
  return ({ user, met }, perUser) => {
    const row = rowOf.get(user);
    if (row === undefined) return nothing;
    scoreItems(form, row, users, known, scores);
    all.fill(-Infinity);
    for (let item = 0; item < known.count; item++) {
      const number = known.numbers[item]!;
      if (met[number] === 0) all[number] = scores[item]!;
    }
    return bestOf(all, perUser, known.numbers);
  };
};

const byNeighbours = (parts: Reader, at: number, items: number): Proposer => {
  const offsets = parts.places(`${at}.offsets`);
  const neighbours = parts.places(`${at}.neighbours`);
  const similarity = parts.numbers(`${at}.similarity`);
  const sums = new Float64Array(items);
  const touched = new Int32Array(items);
  const isTouched = new Uint8Array(items);
  return ({ liked, met }, perUser) => {
    let count = 0;
    for (const item of liked) {
      for (let edge = offsets[item]!; edge < offsets[item + 1]!; edge++) {
        const neighbour = neighbours[edge]!;
        if (met[neighbour] !== 0) continue;
        if (isTouched[neighbour] === 0) {
          isTouched[neighbour] = 1;
          touched[count++] = neighbour;
          sums[neighbour] = 0;
        }
        // Whole numbers: in whichever order they are added, the sum is the same.
        sums[neighbour]! += similarity[edge]!;
      }
    }
    const among = touched.subarray(0, count);
    const best = bestOf(sums, perUser, among);
    for (const item of among) isTouched[item] = 0;
    return { items: best.items, scores: best.scores.map((sum) => sum / fixedPoint) };
  };
};

const bestOf = (scores: Float64Array, perUser: number, among: Int32Array): Proposal => {
  const items = Best.indices(scores, perUser, among);
  return { items, scores: Float64Array.from(items, (item) => scores[item]!) };
};

/** The first items of one order that the user has not met, from a place on; it goes round. */
const along = (
  order: Int32Array,
  start: number,
  { met }: Who,
  perUser: number,
  scoreOf: (place: number, step: number) => number,
): Proposal => {
  const items: Array<number> = [];
  const scores: Array<number> = [];
  for (let step = 0; step < order.length && items.length < perUser; step++) {
    const place = (start + step) % order.length;
    const item = order[place]!;
    if (met[item] !== 0) continue;
    items.push(item);
    scores.push(scoreOf(place, step));
  }
  return { items: Int32Array.from(items), scores: Float64Array.from(scores) };
};

/** Where a user's part of a drawn order begins, as `md5_number_lower` of DuckDB has it. */
const startOf = (seed: number, user: string, items: number): number =>
  items === 0
    ? 0
    : Number(
        createHash("md5").update(`${seed} user ${user}`).digest().readBigUInt64LE(8) %
          BigInt(items),
      );
