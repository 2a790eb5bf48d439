/** What judging lists has in common, alone or inside a system: checks, the holdout ledger, who is judged. */
import {
  type Artifact,
  Charter,
  type Contract,
  type Digest,
  type Holdout,
  type Metric,
  type Store,
  Verdict,
} from "@ml-pipe/core";
import { type Duckdb, type Interactions, type StatisticsError, Table } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { HoldoutOptions } from "../../Evaluate.ts";
import {
  type ListsInvalid,
  type ListsOfOtherSplit,
  NobodyToJudge,
  type OtherBaseline,
} from "../../recommend/errors.ts";
import type { ListEvaluation, ListProperty } from "../../recommend/ListEvaluation.ts";
import { begin, correctedFor, end, requireReason } from "../ledger.ts";
import type { JudgedLists } from "./gates.ts";
import { type ListTables, requireBaseline, requireLists, requireOneSplit } from "./honest.ts";
import { blocksOfUsers, type Bootstrap, compared, qualityOf } from "./measure.ts";
import { type Ground, type Places, readGround, readPlaces, type TaggedItems } from "./read.ts";

/** How lists are judged. */
export interface ListOptions {
  /** Metric, baseline, smallest gain and kill date: what the gates are derived from. */
  readonly charter: Charter.Charter<Metric.ListMetric>;
  /** Users below which there is no verdict; default 100. */
  readonly minUsers?: number;
  /** Quality from which a leak is suspected; default 0.9. */
  readonly suspiciousQuality?: number;
  /** Seed of the bootstrap; default 0. Equal seeds and inputs give equal verdicts. */
  readonly seed?: number;
  /** Confidence level of all intervals; default 0.95. */
  readonly level?: number;
  /** For a second look at the same test rows, and each further one: how many there will be, and why. */
  readonly holdout?: HoldoutOptions;
}

/** What judging lists can fail with. */
export type ListsError =
  | ListsOfOtherSplit
  | ListsInvalid
  | OtherBaseline
  | NobodyToJudge
  | StatisticsError
  | Holdout.HoldoutSpent
  | Store.StoreError
  | Duckdb.DuckdbError
  | Table.ReadError
  | Artifact.ArtifactStoreError;

/** The services that it needs. */
export type ListsNeeds = Duckdb.Duckdb | Artifact.ArtifactStore | Store.Store;

/** The options with their defaults. */
export const settingsOf = (options: ListOptions) => {
  const { minUsers = 100, suspiciousQuality = 0.9, seed = 0, level = 0.95 } = options;
  const { holdout = { looks: 1, justification: "" } } = options;
  requireReason(holdout);
  return { minUsers, suspiciousQuality, seed, level, holdout: { ...holdout } };
};

/** What is judged. */
export interface Subject {
  readonly interactions: Interactions.Interactions<Contract.Contract>;
  readonly charter: Charter.Charter<Metric.ListMetric>;
  readonly settings: ReturnType<typeof settingsOf>;
  /** Digest of the lists that the verdict is about. */
  readonly digest: Digest.Digest;
  readonly purpose: string;
  /** Lists by input, beside the baseline's. */
  readonly lists: ListTables;
  readonly baseline: Table.AnyTable;
  readonly train: Table.AnyTable;
  readonly data: Table.AnyTable;
  readonly tagged: TaggedItems | undefined;
}

/** What is known when places are compared. */
export interface Setting {
  readonly ground: Ground;
  readonly baseline: Places;
  readonly bootstrap: Bootstrap;
  readonly places: (
    lists: string,
  ) => Effect.Effect<
    Places,
    Duckdb.DuckdbError | Artifact.ArtifactStoreError,
    Duckdb.Duckdb | Artifact.ArtifactStore
  >;
  /** The charter's metric of lists against others. */
  readonly metric: (
    judged: Places,
    against: Places,
  ) => Effect.Effect<ListProperty, StatisticsError>;
  /** What every evaluation says, of the lists that are judged. */
  readonly common: (judged: Places) => Omit<ListEvaluation, "metric" | "properties">;
}

/** For the cache key: whether the charter has expired, and how many looks intervals are corrected for. */
export const fingerprintOf = Effect.fnUntraced(function* ({
  interactions,
  charter,
  settings,
  digest,
  data,
}: Pick<Subject, "interactions" | "charter" | "settings" | "digest" | "data">) {
  const now = yield* Clock.currentTimeMillis;
  return {
    expired: Charter.isExpired(charter, new Date(now)),
    looks: yield* correctedFor(recognised(interactions), {
      model: { document: { digest } },
      data,
      looks: settings.holdout.looks,
    }),
  };
});

/** Interactions are recognised again by who did what, and when. */
const recognised = ({ spec, contract }: Interactions.Interactions<Contract.Contract>) => ({
  spec: {
    name: spec.name,
    ...(spec.decidedAt === undefined ? {} : { decidedAt: spec.decidedAt }),
    source: { name: contract.spec.name, key: [spec.user, spec.item] },
  },
  contract,
});

/** Checks, records the look, measures, and judges. */
export const judge = Effect.fnUntraced(function* <E extends ListEvaluationLike, Err, R>(
  subject: Subject,
  gates: ReadonlyArray<Verdict.Gate<JudgedLists<E>>>,
  measure: (setting: Setting) => Effect.Effect<E, Err, R>,
): Effect.fn.Return<
  { readonly verdict: Verdict.Verdict; readonly evaluation: E },
  ListsError | Err,
  ListsNeeds | R
> {
  const { interactions, charter, settings, digest, purpose, train, data } = subject;
  const { holdout, level, seed } = settings;
  const lists = { ...subject.lists, baseline: subject.baseline };
  yield* requireOneSplit({ ...lists, train }, data);
  yield* Effect.forEach(Object.entries(lists), ([input, table]) => requireLists(input, table));
  yield* requireBaseline(charter, lists.baseline);
  const model = { document: { digest } };
  const look = yield* begin(recognised(interactions), { model, data, holdout, level, purpose });
  return yield* Effect.gen(function* () {
    const ground = yield* readGround(interactions, train, data, subject.tagged);
    if (ground.users === 0) return yield* new NobodyToJudge({ rows: data.rows });
    const { list } = charter.spec.metric;
    const { at } = list;
    const places = (lists: string) => readPlaces(ground, lists, at);
    const baseline = yield* places(yield* Table.relation(lists.baseline));
    const { number, correctedFor, nominalLevel, justification = "" } = look;
    // Tails of a corrected level are thin: as many resamples in them as in those of one look.
    const resamples = Math.min(20_000, 2000 * correctedFor);
    const bootstrap = { level: look.level, seed, resamples };
    const blocks = blocksOfUsers(ground);
    const evaluation = yield* measure({
      ground,
      baseline,
      bootstrap,
      places,
      metric: Effect.fnUntraced(function* (judged, against) {
        const [mine, theirs] = [
          yield* qualityOf(ground, judged, list),
          yield* qualityOf(ground, against, list),
        ];
        return yield* compared(list.quality, mine, theirs, blocks, bootstrap);
      }),
      common: ({ shown, seen }) => ({
        users: ground.users,
        excluded: { likedNothing: ground.likedNothing, metBefore: ground.metBefore },
        unlisted: Array.from({ length: ground.users }).filter(
          (_, user) => shown.offsets[user] === shown.offsets[user + 1],
        ).length,
        at,
        unit: charter.spec.metric.unit,
        level: look.level,
        holdout: { number, correctedFor, nominalLevel, justification },
        smallestGain: charter.spec.smallestGain,
        metShown: seen.reduce((sum, one) => sum + one, 0),
      }),
    });
    const now = new Date(yield* Clock.currentTimeMillis);
    const { minUsers, suspiciousQuality } = settings;
    const verdict = Verdict.judge(
      gates,
      { evaluation, charter, now, minUsers, suspiciousQuality },
      { model: digest, charter: charter.digest, testSet: Table.digestOf(data) },
    );
    return { verdict, evaluation };
  }).pipe(
    Effect.scoped,
    end(look, ({ verdict }) => verdict.status),
  );
});

type ListEvaluationLike = Omit<ListEvaluation, "metric" | "properties">;
