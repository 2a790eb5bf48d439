/**
 * The stage that releases a system: sources, rules and what users have met, on a verdict on the lists that they
 * make. It compares what will be served with what was judged, and releases nothing where they differ.
 */
import {
  type Approval,
  type Artifact,
  type Charter,
  type Contract,
  Digest,
  type Metric,
  Stage,
  Verdict,
} from "@ml-pipe/core";
import {
  Duckdb,
  type Interactions,
  Recommendations,
  Recommender,
  Release,
  ServedSystem,
  type System,
  Table,
  Words,
} from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import {
  approversOf,
  type OtherCharter,
  requireApproval,
  requireName,
  requirePermitted,
} from "./internal/permission.ts";
import * as ListRequest from "./internal/listRequest.ts";
import { Registry, type RegistryError, type ReleaseCorrupt } from "./Registry.ts";

/** The verdict is not on the lists that the system made. */
export class UnjudgedLists extends Schema.TaggedError<UnjudgedLists>()("UnjudgedLists", {
  system: Schema.String,
  lists: Digest.Digest,
  judged: Digest.Digest,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `the lists of "${this.system}" (${this.lists.slice(0, 19)}) were not judged: the verdict is on ${this.judged.slice(0, 19)}. Wire the lists of System.merge to Evaluate.recommendations, and its verdict here; a verdict of Evaluate.system is on a source, not on the lists.`;
  }
}

/** The service would show other lists than those that were judged. */
export class ServedOtherwise extends Schema.TaggedError<ServedOtherwise>()("ServedOtherwise", {
  system: Schema.String,
  users: Schema.Int,
  different: Schema.Int,
  user: Schema.String,
  /** Items and their sources, in order. */
  judged: Schema.Array(Schema.String),
  served: Schema.Array(Schema.String),
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { system, users, different, user, judged, served } = this;
    return `"${system}" would not serve what was judged: the lists of ${Words.whole(different)} of ${Words.counted(users, "user")} differ, such as that of user ${user}\n  judged ${judged.join(", ") || "nothing"}\n  served ${served.join(", ") || "nothing"}\nWire the recommenders, the train table and the items that the judged lists were made of, and give perUser as Recommender.candidates has it.`;
  }
}

/** Nobody is known and nobody has a list, so that nothing could be compared. */
export class NobodyListed extends Schema.TaggedError<NobodyListed>()("NobodyListed", {
  system: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `no user of the train table is known to "${this.system}" and none has a list, so that what would be served was compared with nothing. Check the train table: rows need a user, an item and a finite rating.`;
  }
}

/** Whole numbers that name users or items have more digits than JSON carries. */
export class NameInexact extends Schema.TaggedError<NameInexact>()("NameInexact", {
  contract: Schema.String,
  column: Schema.String,
  name: Schema.String,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { contract, column, name } = this;
    return `"${column}" of "${contract}" has ${name}, and whole numbers beyond ±9007199254740991 lose digits in requests and answers, so that another would be meant. Declare the column as text.`;
  }
}

/** How a system is released. */
export interface SystemOptions {
  readonly charter: Charter.Charter<Metric.ListMetric>;
  /** Name of the release. Default: the system's name. */
  readonly name?: string;
  /** How many items each source proposes to a user, as in `Recommender.candidates`; default 100. */
  readonly perUser?: number;
  /** See {@link ReleaseOptions.approval}. */
  readonly approval?: "required";
}

/** What is released: the recommender of each source, and what the judged lists were made of. */
export type SystemInputs<
  C extends Contract.Contract,
  I extends Contract.Contract,
  S extends string,
> = { readonly [K in S]: Recommender.Recommender<C> } & {
  readonly train: Table.Table<C, "train">;
  /** The lists of `System.merge` that the verdict is on. */
  readonly lists: Recommendations.Recommendations;
  readonly verdict: Verdict.Verdict<"passed">;
} & ([I] extends [never] ? {} : { readonly items: Table.Table<I, "checked"> });

/** What releasing a system can fail with. */
export type SystemError =
  | UnjudgedLists
  | ServedOtherwise
  | NobodyListed
  | NameInexact
  | OtherCharter
  | Verdict.GateClosed
  | Charter.CharterExpired
  | ServedSystem.PrepareError
  | ServedSystem.OpenError
  | RegistryError
  | ReleaseCorrupt;

/** A stage that releases a system, on a passed verdict and whatever else it takes. */
export type SystemStage<In, E = never> = Stage.Stage<
  In,
  Release.SystemRelease,
  {},
  SystemError | E,
  Duckdb.Duckdb | Artifact.ArtifactStore | Registry
>;

/**
 * A stage that releases a system into the {@link Registry}, where `ml-pipe serve`, `ml-pipe predict` and
 * `openRelease` find it. Takes the passed verdict of `Evaluate.recommendations` on the lists of the system, and
 * before it releases anything makes the lists of up to 1000 users as the service will: if one differs from the list
 * that was judged, it fails with {@link ServedOtherwise}. Running it again with the same inputs releases nothing new.
 *
 * A request has the user and what they have `met` since; a user who is not known gets what sources propose that
 * need no history, such as popularity. Without such a source they get an empty list, which is a finding.
 *
 * @example
 * ```ts
 * import type { Charter, Contract, Metric } from "@ml-pipe/core";
 * import type { System } from "@ml-pipe/data";
 * import { Deploy } from "@ml-pipe/deploy";
 *
 * const stageFor = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
 *   home: System.System<C, I, S>, charter: Charter.Charter<Metric.ListMetric>,
 * ) => Deploy.system(home, { charter, name: "home-page", perUser: 50 });
 * ```
 */
export function system<C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  released: System.System<C, I, S>,
  options: SystemOptions & { readonly approval: "required" },
): SystemStage<
  SystemInputs<C, I, S> & { readonly approval: Stage.Approved<unknown> },
  Approval.ApprovalVoid
>;
export function system<C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  released: System.System<C, I, S>,
  options: SystemOptions & { readonly approval?: never },
): SystemStage<SystemInputs<C, I, S>>;
export function system<C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  released: System.System<C, I, S>,
  options: SystemOptions,
): SystemStage<SystemInputs<C, I, S>, Approval.ApprovalVoid> {
  const { charter, name = released.name, perUser = 100 } = options;
  requireName(name);
  if (!(Number.isSafeInteger(perUser) && perUser >= 1)) {
    throw new TypeError(`deploy: perUser is ${perUser}; give a whole number of items`);
  }
  const approvers = approversOf(charter, options.approval);
  const request = ListRequest.contractOf(name, released.interactions);
  return Stage.make("deploy", {
    description: `releases the system as ${name}`,
    input: inputsOf(released, approvers !== undefined),
    output: Release.SystemRelease,
    cache: "never",
    charter,
    params: {
      name,
      system: released.digest,
      charter: charter.digest,
      perUser,
      ...(approvers === undefined ? {} : { approvers }),
    },
    run: Effect.fnUntraced(function* (inputs, { exhibit, finding, progress }) {
      const { train, lists, verdict } = inputs;
      const { items, approval: given } = decodeMore(inputs);
      const now = new Date(yield* Clock.currentTimeMillis);
      const judged = Table.digestOf(lists);
      if (verdict.model !== judged) {
        return yield* new UnjudgedLists({
          system: released.name,
          lists: judged,
          judged: verdict.model,
        });
      }
      yield* requirePermitted(verdict, charter, now);
      const approval =
        approvers === undefined || given === undefined
          ? undefined
          : yield* requireApproval(given, verdict, approvers);
      const recommenders = Object.fromEntries(
        released.sources.map((source) => [source, inputs[source]]),
      );
      const served = yield* ServedSystem.prepare(released, { recommenders, train, items, perUser });
      yield* progress({ label: "comparing with the judged lists", rows: lists.rows });
      const surface = yield* ServedSystem.open(served);
      const { user, item } = released.interactions.spec;
      yield* requireExact(released.interactions, user, surface.users);
      yield* requireExact(released.interactions, item, surface.items);
      const { users, different, example } = yield* ServedSystem.compare(surface, lists);
      if (example !== null) {
        const { user, merged, served } = example;
        return yield* new ServedOtherwise({
          system: released.name,
          users,
          different,
          user,
          judged: merged,
          served,
        });
      }
      if (users === 0) return yield* new NobodyListed({ system: released.name });
      if (surface.list(null).places.length === 0) yield* finding(strangersFinding(released.name));
      const candidate = {
        name,
        verdict,
        ...(approval === undefined ? {} : { approval }),
        charter: charter.digest,
        owner: charter.spec.owner,
        request,
        decision: charter.spec.decision.question,
        knownUntil: (yield* lastOf(released.interactions, train)) ?? now,
        releasedAt: now,
        system: served,
        lists: judged,
      };
      const registry = yield* Registry;
      const { version, releasedAt, knownUntil } = yield* registry.publish(candidate);
      const release = { ...candidate, version, releasedAt, knownUntil };
      yield* exhibit({
        _tag: "table",
        title: `Release ${Release.label(release)}`,
        columns: ["what", "value"],
        rows: [
          ["decision", release.decision],
          ["answer", Release.policy(release)],
          ["sources", served.sources.map(({ kind }) => kind).join(", ")],
          [
            "knows",
            `${Words.counted(served.users, "user")}, ${Words.counted(served.items, "item")}`,
          ],
          ["compared with the judged lists", `${Words.counted(users, "user")}: all are equal`],
          ["a request carries", Object.keys(request.columns).join(", ")],
          ...(approval === undefined
            ? []
            : [["approved by", `${approval.approver}: ${approval.reason}`]]),
        ],
      });
      return release;
    }, Effect.scoped),
  });
}

const inputsOf = <C extends Contract.Contract, I extends Contract.Contract, S extends string>(
  { sources, interactions, catalogue }: System.System<C, I, S>,
  approved: boolean,
) => {
  const inputs: Stage.Fields = {
    ...Object.fromEntries(sources.map((name) => [name, Recommender.of(interactions)])),
    train: Table.of(interactions.contract, "train"),
    lists: Table.of(Recommendations.contract, "checked"),
    verdict: Verdict.Passed,
    ...(catalogue === undefined ? {} : { items: Table.of(catalogue.contract, "checked") }),
    ...(approved ? { approval: Stage.approved(Schema.Unknown) } : {}),
  };
  // The names are those of the system, which only the compiler knows as `S`, and whether it has items as `I`.
  return inputs as {
    readonly [K in keyof SystemInputs<C, I, S>]: Schema.Codec<SystemInputs<C, I, S>[K], unknown>;
  };
};

/** What is wired only where the system or its release asks for it; checked when the stage took it. */
const decodeMore = Schema.decodeUnknownSync(
  Schema.Struct({
    items: Schema.optionalKey(Table.AnyTable),
    approval: Schema.optionalKey(Schema.toType(Stage.approved(Schema.Unknown))),
  }),
);

const strangersFinding = (name: string) => ({
  check: "deploy.strangers",
  severity: "warn" as const,
  expected: "a list for users who are not in the train table",
  found: `an empty one: every source of "${name}" needs a history`,
  next: "Add a source that knows everybody, such as popularity, with a small weight.",
});

const requireExact = (
  { contract, spec }: Interactions.Interactions<Contract.Contract>,
  column: string,
  names: ReadonlyArray<string>,
): Effect.Effect<void, NameInexact> => {
  if (contract.spec.columns[column]?.type !== "int") return Effect.void;
  const name = names.find((one) => !Number.isSafeInteger(Number(one)));
  return name === undefined
    ? Effect.void
    : Effect.fail(new NameInexact({ contract: spec.name, column, name }));
};

/** The last interaction that users are known by, where the contract says when they happen. */
const lastOf = Effect.fnUntraced(function* (
  { spec }: Interactions.Interactions<Contract.Contract>,
  train: Table.AnyTable,
) {
  if (spec.decidedAt === undefined) return undefined;
  const db = yield* Duckdb.Duckdb;
  const [found] = yield* db.rows(
    "read the last interaction",
    `SELECT epoch_ms(max(CAST(${Duckdb.identifier(spec.decidedAt)} AS TIMESTAMP)))::DOUBLE AS at FROM ${yield* Table.relation(train)}`,
  );
  const at = found?.["at"];
  return typeof at === "number" ? new Date(at) : undefined;
});
