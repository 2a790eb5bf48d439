/** What parity compares: requests as they were recorded, and the rows that histories come from. */
import {
  Artifact,
  type Contract,
  Duckdb,
  type FeatureSet,
  Ingest,
  Parity,
  type Run,
  Source,
  Table,
  Validate,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { withStore } from "../StateFolder.ts";

/** What is compared, ready for {@link Parity.stage}. */
type Checked = Table.Table<Contract.Contract, "checked">;

/** Recorded requests, and how many lines of the record are set aside, because they are none. */
interface Served {
  readonly served: Table.Table<Contract.Contract<`${string}-served`>, "checked">;
  readonly setAside: number;
}

/** What reading needs; nothing is left in the state folder. */
type Services = Duckdb.Duckdb | Artifact.ArtifactStore;

/** There is no checked table of the contract that histories are taken from, or that features look up in. */
export class RowsMissing extends Schema.TaggedError<RowsMissing>()("RowsMissing", {
  contract: Schema.String,
  version: Schema.String,
  folder: Schema.String,
  /** What names a file instead. */
  option: Schema.String,
}) {
  override get message(): string {
    return `no run in ${this.folder} has a checked table under the contract "${this.contract}" ${this.version}, as the release knows it, whose file is still there. Name the rows with ${this.option}, or run the pipeline again.`;
  }
}

/** A file whose kind its name does not tell. */
export class RowsUnreadable extends Schema.TaggedError<RowsUnreadable>()("RowsUnreadable", {
  path: Schema.String,
}) {
  override get message(): string {
    return `the name of ${this.path} ends like none of .parquet, .csv, .ndjson, .jsonl, .json`;
  }
}

/** Recorded requests as a checked table. A line that a kill cut off is set aside, and counted. */
export const servedTable = Effect.fnUntraced(function* (
  set: FeatureSet.FeatureSet,
  file: string,
): Effect.fn.Return<Served, unknown, Services> {
  const contract = Parity.servedContract(set);
  const ingest = Ingest.table(contract, Source.json(file), { quarantine: { atMost: 0.1 } });
  const { table, quarantine } = yield* ingest.run({});
  // Two requests may be the same, and what a caller sent was checked when it was answered.
  const validate = Validate.table(contract, { uniqueRows: false });
  const { checked, quarantine: unfit } = yield* validate.run({ data: table });
  return { served: checked, setAside: quarantine.rows + unfit.rows };
});

/** The last decision that was recorded; none if there is none. */
export const lastDecision = Effect.fnUntraced(function* (
  { spec }: FeatureSet.FeatureSet,
  { served }: Served,
): Effect.fn.Return<Date | undefined, unknown, Services> {
  if (spec.decidedAt === undefined) return undefined;
  const db = yield* Duckdb.Duckdb;
  const [row] = yield* db.rows(
    "find the last decision",
    `SELECT CAST(epoch_ms(max(${Duckdb.identifier(spec.decidedAt)})) AS DOUBLE) AS "at" FROM ${yield* Table.relation(served)}`,
  );
  const at = row?.["at"] ?? null;
  return at === null ? undefined : new Date(Number(at));
});

/** The rows of a file as a checked table. They are as fresh as they have to be at `asOf`. */
export const historyOfFile = Effect.fnUntraced(function* (
  source: Contract.Contract,
  file: string,
  asOf: Date | undefined,
): Effect.fn.Return<Checked, unknown, Services> {
  const from = sourceOf(file);
  if (from === undefined) return yield* new RowsUnreadable({ path: file });
  const { table } = yield* Ingest.table(source, from).run({});
  const validate = Validate.table(source, asOf === undefined ? {} : { asOf });
  const { checked } = yield* validate.run({ data: table });
  return checked;
});

const sourceOf = (file: string) => {
  if (/\.(parquet|pq)$/i.test(file)) return Source.parquet(file);
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(file)) return Source.csv(file);
  return /\.(ndjson|jsonl|json)(\.gz)?$/i.test(file) ? Source.json(file) : undefined;
};

/** How many runs are looked through for a table. */
const mostRuns = 100;

/**
 * The newest checked table under the contract that a run made and whose file is still there; `option` names a
 * file instead.
 */
export const historyOfRuns = Effect.fnUntraced(function* (
  source: Contract.Contract,
  folder: string,
  option: string,
): Effect.fn.Return<Checked, unknown> {
  const found = yield* withStore(folder, (store) =>
    Effect.gen(function* () {
      for (const { id } of yield* store.runs(mostRuns)) {
        const run = Option.getOrUndefined(yield* store.run(id));
        const tables = run === undefined ? [] : checkedTables(run, source);
        for (const { rows, data } of tables) {
          if (data._tag === "parts") continue;
          const path = yield* Effect.option(Table.pathOf({ data }));
          if (Option.isNone(path)) continue;
          const { digest, bytes } = data._tag === "artifact" ? data.artifact : data.file;
          const file = { path: path.value, digest, bytes };
          return Table.make(source, "checked", {
            rows,
            data: { _tag: "source", file },
            split: null,
          });
        }
      }
      return undefined;
    }).pipe(Effect.provide(Artifact.ArtifactStore.layer(folder))),
  );
  if (found !== undefined) return found;
  const { name: contract, version } = source.spec;
  return yield* new RowsMissing({ contract, version, folder, option });
});

const isTable = Schema.is(Table.AnyTable);

const checkedTables = (run: Run.Run, { name, digest }: Contract.Contract) =>
  run.stages
    .flatMap(({ outputs }) => Object.values(outputs ?? {}))
    .filter(isTable)
    .filter(({ role, contract }) => role === "checked" && contract.name === name)
    .filter(({ contract }) => contract.digest === digest);
