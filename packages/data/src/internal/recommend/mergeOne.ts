/** The merge of one user's list from parts: what `merge.ts` says in SQL for all, number by number. */
import type { SystemSpec } from "../../recommend/SystemSpec.ts";
import { capsOf, fusion, least, pool } from "./merge.ts";
import type { Reader } from "./parts.ts";
import type { Proposal } from "./propose.ts";

/** A place of a list, with the number of its item and of the source that it is owed to. */
export interface MergedPlace {
  readonly item: number;
  readonly score: number;
  readonly source: number;
}

interface Candidate extends MergedPlace {
  /** The best rank that a source gives it. */
  readonly best: number;
}

/** How a system merges what its sources propose to a user, who has met none of it. */
export const mergerOf = (
  spec: SystemSpec,
  parts: Reader,
): ((proposals: ReadonlyArray<Proposal>) => ReadonlyArray<MergedPlace>) => {
  const { blend, sources, diversify, length } = spec;
  const rules = spec.catalogue === null ? undefined : rulesOf(spec, parts);
  const similar = diversify === null ? undefined : similarityOf(parts);
  return (proposals) => {
    const candidates = new Map<number, { best: number; readonly c: Float64Array }>();
    for (const [source, proposal] of proposals.entries()) {
      const contributions = contributionsOf(blend, sources[source]!.weight, proposal);
      for (const [at, item] of proposal.items.entries()) {
        let one = candidates.get(item);
        if (one === undefined) {
          one = { best: at + 1, c: new Float64Array(proposals.length) };
          candidates.set(item, one);
        }
        one.best = Math.min(one.best, at + 1);
        one.c[source] = contributions[at]!;
      }
    }
    let eligible: Array<Candidate> = [];
    for (const [item, { best, c }] of candidates) {
      if (rules?.isHidden(item) === true) continue;
      const most = c.reduce((a, b) => Math.max(a, b));
      const blended = blend === "interleave" ? most : c.reduce((a, b) => a + b);
      const score = rules === undefined ? blended : rules.boosted(item, blended);
      eligible.push({ item, best, score, source: c.indexOf(most) });
    }
    eligible.sort((a, b) => b.score - a.score || a.best - b.best || a.item - b.item);
    for (const cap of rules?.caps ?? []) eligible = eligible.filter(cap());
    return diversify === null || similar === undefined
      ? eligible.slice(0, length)
      : varied(eligible.slice(0, length * pool), { ...diversify, length, similar });
  };
};

/** What each item of a proposal contributes. */
const contributionsOf = (
  blend: SystemSpec["blend"],
  weight: number,
  { scores }: Proposal,
): Float64Array => {
  switch (blend) {
    case "rank-fusion":
      return scores.map((_, at) => weight / (fusion + at + 1));
    case "weighted": {
      const low = scores.reduce((a, b) => Math.min(a, b), Infinity);
      const range = scores.reduce((a, b) => Math.max(a, b), -Infinity) - low;
      return scores.map(
        (score) => weight * Math.max(range === 0 ? 1 : (score - low) / range, least),
      );
    }
    case "interleave":
      return scores.map((_, at) => 1 / (1 + (at + 1 - 0.5) / weight));
  }
};

const rulesOf = (spec: SystemSpec, parts: Reader) => {
  const visible = parts.flags("visible");
  const boosts = spec.rules
    .filter(({ _tag }) => _tag === "boost")
    .map((_, at) => parts.numbers(`boost.${at}`));
  const caps = capsOf(spec).map(({ atMost }, at) => {
    const codes = parts.places(`cap.${at}`);
    return () => {
      const taken = new Map<number, number>();
      return ({ item }: Candidate): boolean => {
        const code = codes[item]!;
        if (code < 0) return true;
        const count = (taken.get(code) ?? 0) + 1;
        taken.set(code, count);
        return count <= atMost;
      };
    };
  });
  return {
    isHidden: (item: number): boolean => visible[item] === 0,
    boosted: (item: number, score: number): number =>
      boosts.reduce((product, boost) => product * boost[item]!, score),
    caps,
  };
};

/** The cosine of the tags of two items. */
const similarityOf = (parts: Reader): ((a: number, b: number) => number) => {
  const offsets = parts.places("tags.offsets");
  const tags = parts.places("tags");
  return (a, b) => {
    let [i, j, common] = [offsets[a]!, offsets[b]!, 0];
    const [endA, endB] = [offsets[a + 1]!, offsets[b + 1]!];
    const norm = Math.sqrt((endA - i) * (endB - j));
    while (i < endA && j < endB) {
      const [left, right] = [tags[i]!, tags[j]!];
      if (left === right) common++;
      if (left <= right) i++;
      if (left >= right) j++;
    }
    return norm === 0 ? 0 : common / norm;
  };
};

/** Maximal marginal relevance, one place after the other. */
const varied = (
  ranked: ReadonlyArray<Candidate>,
  how: {
    readonly relevance: number;
    readonly length: number;
    readonly similar: (a: number, b: number) => number;
  },
): ReadonlyArray<MergedPlace> => {
  const { relevance, length, similar } = how;
  const variety = 1 - relevance;
  const most = ranked[0]?.score ?? 1;
  const left = ranked.map((place) => ({ place, fit: place.score / most, near: 0 }));
  const chosen: Array<MergedPlace> = [];
  while (chosen.length < length && left.length > 0) {
    let next = 0;
    let worth = -Infinity;
    for (const [at, { fit, near }] of left.entries()) {
      const one = relevance * fit - variety * near;
      if (one > worth) [next, worth] = [at, one];
    }
    const [taken] = left.splice(next, 1);
    if (taken === undefined) break;
    chosen.push(taken.place);
    for (const other of left) {
      other.near = Math.max(other.near, similar(other.place.item, taken.place.item));
    }
  }
  return chosen;
};
