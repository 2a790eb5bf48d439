/** `ml-pipe features …`: what features mean, and whether serving computes it. */
import * as path from "node:path";
import {
  Artifact,
  Contract,
  Duckdb,
  Features,
  FeatureSet,
  FeatureStore,
  FeatureStoreRedis,
  Model,
  Parity,
  Registry,
  Release,
  ServedFeatures,
  Stage,
} from "@ml-pipe/ml-pipe";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { loadFeatureSets } from "../features/loadFeatureSets.ts";
import {
  historyOfFile,
  historyOfRuns,
  lastDecision,
  servedTable,
} from "../features/parityInputs.ts";
import { parityText } from "../view/parity.ts";
import { pretty } from "../view/json.ts";
import { count, plural, shortPath } from "../view/text.ts";
import { problemJson, tellProblems } from "./check.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `check` was asked for. */
export interface CheckOptions {
  readonly file: string;
  readonly stateFolder: string;
  readonly json: boolean;
}

/** `check`: is what releases serve left as it was? */
export const check = (options: CheckOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { terminal } = context;
      const sets = yield* loadFeatureSets(options.file);
      const found = yield* Effect.forEach(sets, (set) =>
        Effect.map(ServedFeatures.edited(set), (edited) => ({ set, edited })),
      );
      const edited = found.flatMap(({ edited }) => edited);
      if (options.json) {
        terminal.out(
          pretty({
            file: options.file,
            unedited: edited.length === 0,
            featureSets: found.map(({ set: { spec, digest }, edited }) => ({
              name: spec.name,
              version: spec.version,
              digest,
              edited: edited.map(({ release, edits }) => ({ release, edits })),
            })),
          }),
        );
      } else {
        const { out, style } = terminal;
        for (const { set, edited } of found) {
          const name = `${style.bold(set.spec.name)} ${set.spec.version}`;
          if (edited.length === 0)
            out(`${style.green("✓")} ${name}  as it is served, or not served`);
          for (const { message } of edited) out(`${style.red("✗")} ${name}  ${message}`);
        }
      }
      if (edited.length === 0) return ExitCode.succeeded;
      const { err, errStyle } = terminal;
      const names = new Set(edited.map(({ featureSet }) => featureSet));
      err(
        errStyle.bold(
          `${plural(names.size, "feature set")} edited under a version that a release serves`,
        ),
      );
      return ExitCode.stopped;
    }).pipe(
      Effect.provide(Registry.Registry.layer(options.stateFolder)),
      Effect.provide(Artifact.ArtifactStore.layer(options.stateFolder)),
      Effect.catchTag("NotValid", ({ problems }) =>
        Effect.sync(() => {
          if (options.json) {
            context.terminal.out(
              pretty({ file: options.file, valid: false, problems: problems.map(problemJson) }),
            );
          }
          tellProblems(problems, options.file, context);
          return ExitCode.invalid;
        }),
      ),
    ),
  );

/** What `parity` was asked for. */
export interface ParityOptions {
  readonly release: string;
  readonly served: string;
  readonly history: string | undefined;
  /** `NAME=FILE`. */
  readonly lookup: ReadonlyArray<string>;
  readonly tolerance: number;
  /** `FEATURE=SHARE:CAUSE`. */
  readonly accept: ReadonlyArray<string>;
  readonly stateFolder: string;
  readonly json: boolean;
}

/** An accepted difference is not written as it should be. */
export class AcceptUnreadable extends Schema.TaggedError<AcceptUnreadable>()("AcceptUnreadable", {
  problem: Schema.String,
}) {
  override get message(): string {
    return `${this.problem}. Write it as --accept "km=0.02:old clients send no distance"`;
  }
}

/** A file is given for a lookup that the feature set does not have. */
export class LookupUnknown extends Schema.TaggedError<LookupUnknown>()("LookupUnknown", {
  given: Schema.String,
  lookups: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return this.lookups.length === 0
      ? `--lookup ${this.given}: the feature set looks nothing up`
      : `--lookup ${this.given} names no lookup of the feature set. Write NAME=FILE, for ${this.lookups.join(", ")}.`;
  }
}

/** A lookup is given two files. */
export class LookupTwice extends Schema.TaggedError<LookupTwice>()("LookupTwice", {
  lookup: Schema.String,
}) {
  override get message(): string {
    return `--lookup ${this.lookup} is given twice. Name one file with all of its rows.`;
  }
}

/** `parity`: recorded requests, computed again in the batch. */
export const parity = (options: ParityOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { release, set } = yield* releasedSet(options);
      const stage = yield* stageOf(set, options);
      const recorded = yield* servedTable(set, options.served);
      const { served, setAside } = recorded;
      const { history, lookups } = yield* rowsOf(set, options, yield* lastDecision(set, recorded));
      const report = yield* stage.run({ served, history, ...lookups });
      const { out, err, style, errStyle } = context.terminal;
      if (setAside > 0) {
        const lines = plural(setAside, "line");
        err(
          errStyle.yellow(
            `! ${lines} of ${shortPath(options.served)} set aside: no request as it is recorded`,
          ),
        );
      }
      if (options.json) {
        const encoded = Schema.encodeSync(Parity.ParityReport)(report);
        out(pretty({ release, setAside, history: history.rows, ...encoded }));
      } else for (const line of parityText(report, release, style)) out(line);
      return report.evidence.outcome === "passed" ? ExitCode.succeeded : ExitCode.stopped;
    }).pipe(
      Effect.provideService(Stage.Reporter, () => Effect.void),
      Effect.provide(Layer.mergeAll(Duckdb.Duckdb.layer(), Artifact.ArtifactStore.layerTemporary)),
    ),
  );

/** What `materialise` was asked for. */
export interface MaterialiseOptions {
  readonly release: string;
  /** A date or an instant: the rows have all that was known by then. */
  readonly until: string;
  /** A file; without it, the newest checked table of a run. */
  readonly history: string | undefined;
  /** `NAME=FILE`; without it, the newest checked table of a run. */
  readonly lookup: ReadonlyArray<string>;
  readonly stateFolder: string;
  readonly json: boolean;
}

/** What was asked for cannot be written. */
export class NotMaterialised extends Schema.TaggedError<NotMaterialised>()("NotMaterialised", {
  problem: Schema.String,
}) {
  override get message(): string {
    return this.problem;
  }
}

/** `materialise`: writes the state that a release needs into the feature store. */
export const materialise = (
  options: MaterialiseOptions,
  context: CommandContext,
): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { release, set } = yield* releasedSet(options);
      const stage = yield* Effect.try({
        try: () => Features.materialise(set, { until: options.until }),
        catch: (cause) =>
          new NotMaterialised({ problem: cause instanceof Error ? cause.message : String(cause) }),
      });
      const { history, lookups } = yield* rowsOf(set, options, new Date(options.until));
      const done = yield* stage.run({ data: history, ...lookups });
      const { out, style } = context.terminal;
      if (options.json) {
        out(pretty({ release, ...Schema.encodeSync(FeatureStore.Materialised)(done) }));
        return ExitCode.succeeded;
      }
      for (const one of done.series) {
        const written = plural(one.bucketsWritten, "bucket");
        out(
          `${style.green("✓")} ${style.bold(one.features.join(", "))}  known until ${one.knownUntil.toISOString()}  ${written} in ${plural(one.hopsWritten, "hop")} written, ${plural(one.hopsKept, "hop")} unchanged`,
        );
      }
      out(`\nServe from it:  ml-pipe serve ${release} --store`);
      return ExitCode.succeeded;
    }).pipe(
      Effect.provideService(Stage.Reporter, () => Effect.void),
      Effect.provide(
        Layer.mergeAll(
          Duckdb.Duckdb.layer(),
          Artifact.ArtifactStore.layerTemporary,
          FeatureStoreRedis.configured(options.stateFolder),
        ),
      ),
    ),
  );

/** What `prune` was asked for. */
export interface PruneOptions {
  readonly idleDays: number;
  readonly dry: boolean;
  readonly stateFolder: string;
  readonly json: boolean;
}

/** The state folder has no release, so that nothing says what the feature store is for. */
export class NothingServed extends Schema.TaggedError<NothingServed>()("NothingServed", {
  folder: Schema.String,
}) {
  override get message(): string {
    return `${this.folder} has no release, so that nothing says what is served from the feature store, and nothing is dropped. Name the state folder with the releases: --state DIR`;
  }
}

/** What the releases of a state folder are served from. Nothing is made where there are none. */
const servedIn = Effect.fnUntraced(
  function* (folder: string) {
    const releases = yield* Registry.Registry.use(({ list }) => list);
    // The feature store may be that of another folder.
    if (releases.length === 0) return yield* new NothingServed({ folder });
    return yield* Effect.provide(ServedFeatures.all, Artifact.ArtifactStore.layer(folder));
  },
  (effect, folder) => Effect.provide(effect, Registry.Registry.layer(folder)),
);

/** `prune`: drops state of the feature store that no release is served from. */
export const prune = (options: PruneOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { idleDays, dry } = options;
      const served = yield* servedIn(options.stateFolder);
      const { name } = yield* FeatureStore.FeatureStore;
      const { dropped, lately, needed } = yield* FeatureStore.prune(served, {
        idle: Duration.days(idleDays),
        dry,
      });
      const { out, style } = context.terminal;
      if (options.json) {
        const encode = Schema.encodeSync(Schema.Array(FeatureStore.StoredSeries));
        out(pretty({ store: name, dry, needed, lately: encode(lately), dropped: encode(dropped) }));
        return ExitCode.succeeded;
      }
      const told = ({ featureSet, id, knownUntil, writtenAt }: FeatureStore.StoredSeries) =>
        `${style.bold(featureSet)} ${id}  known until ${knownUntil.toISOString()}, last written ${writtenAt.toISOString()}`;
      for (const one of dropped) out(`${dry ? "would drop" : "dropped"}  ${told(one)}`);
      for (const one of lately) {
        out(
          `kept  ${told(one)}: no release needs it, but that is less than ${plural(idleDays, "day")} ago`,
        );
      }
      const series = (number: number) => `${count(number)} series`;
      out(
        `${series(dropped.length)} ${dry ? "would be dropped" : "dropped"} from ${shortPath(name)}, ${series(needed)} kept for releases`,
      );
      return ExitCode.succeeded;
    }).pipe(Effect.provide(FeatureStoreRedis.configured(options.stateFolder))),
  );

/** The feature set that a release decides by, as its model carries it. */
const releasedSet = Effect.fnUntraced(function* ({
  release,
  stateFolder,
}: Pick<ParityOptions, "release" | "stateFolder">) {
  const found = yield* Registry.Registry.use(({ get }) => get(release)).pipe(
    Effect.flatMap((one) => Release.requireModel(one, "features")),
    Effect.provide(Registry.Registry.layer(stateFolder)),
  );
  const { featureSet } = yield* Model.load(found.model).pipe(
    Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
  );
  return { release: Release.label(found), set: FeatureSet.fromSpec(featureSet) };
});

/** The tables that histories are taken from and that features look up in. */
const rowsOf = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  options: Pick<ParityOptions, "history" | "lookup" | "stateFolder">,
  asOf: Date | undefined,
) {
  const files = new Map<string, string>();
  const lookups: FeatureSet.FeatureSetSpec["lookups"] = set.spec.lookups ?? {};
  for (const text of options.lookup) {
    const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || file === undefined || !Object.hasOwn(lookups, name)) {
      return yield* new LookupUnknown({ given: text, lookups: Object.keys(lookups) });
    }
    if (files.has(name)) return yield* new LookupTwice({ lookup: name });
    files.set(name, file);
  }
  const tableOf = (contract: Contract.Contract, file: string | undefined, option: string) =>
    file === undefined
      ? historyOfRuns(contract, options.stateFolder, option)
      : historyOfFile(contract, path.resolve(file), asOf);
  const history = yield* tableOf(set.source, options.history, "--history FILE");
  const found = yield* Effect.forEach(Object.entries(lookups), ([name, { contract }]) =>
    Effect.map(
      tableOf(Contract.fromSpec(contract), files.get(name), `--lookup ${name}=FILE`),
      (table) => [name, table] as const,
    ),
  );
  return { history, lookups: Object.fromEntries(found) };
});

const stageOf = (set: FeatureSet.FeatureSet, { tolerance, accept }: ParityOptions) =>
  Effect.gen(function* () {
    const accepted = yield* Effect.forEach(accept, (text) => {
      const [, feature, share, cause] = /^([^=]+)=([0-9.]+):(.+)$/s.exec(text) ?? [];
      return feature === undefined || share === undefined || cause === undefined
        ? Effect.fail(new AcceptUnreadable({ problem: `"${text}" is no accepted difference` }))
        : Effect.succeed([feature.trim(), { atMost: Number(share), cause: cause.trim() }] as const);
    });
    return yield* Effect.try({
      try: () =>
        Parity.stage(set, { relativeTolerance: tolerance, accept: Object.fromEntries(accepted) }),
      catch: (cause) =>
        new AcceptUnreadable({ problem: cause instanceof Error ? cause.message : String(cause) }),
    });
  });
