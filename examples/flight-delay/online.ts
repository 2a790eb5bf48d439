/**
 * The first of June as a service lives it: flights depart and ask for their features, others land and
 * become known, and the feature store keeps up. Then a batch computes what was served again, and compares.
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import {
  Artifact,
  type Contract,
  Duckdb,
  Expr,
  Features,
  FeatureStore,
  OnlineFeatures,
  Parity,
  Pipeline,
  Stage,
  Table,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { charter, DelayFeatures, Flight, ingest, validate } from "./pipeline.ts";

const day = { from: new Date("2001-06-01T00:00:00Z"), to: new Date("2001-06-02T00:00:00Z") };
const tenMinutes = 600_000;

const Served = Parity.servedContract(DelayFeatures);

/** The flights of the day and those that became known in it, each with the moment at which it did. */
const eventsSql = (relation: string): string => {
  const $ = Expr.columns(Flight);
  const known = `epoch_ms(${Expr.sql($.date.plusMinutes($.distance.dividedBy(6).plus(60)))})`;
  const departed = `epoch_ms(CAST("date" AS TIMESTAMP))`;
  const within = (at: string) => `(${at} >= ${day.from.getTime()} AND ${at} < ${day.to.getTime()})`;
  return `SELECT CAST(${departed} AS DOUBLE) AS departed, CAST(${known} AS DOUBLE) AS known,
      CAST(delay AS DOUBLE) AS delay, CAST(distance AS DOUBLE) AS distance, origin, destination
    FROM ${relation} WHERE ${within(known)} OR ${within(departed)}
    ORDER BY departed, origin, destination, distance, delay`;
};

const flightOf = (row: Duckdb.Row): Contract.Row<typeof Flight> => ({
  date: new Date(Number(row["departed"])),
  delay: Number(row["delay"]),
  distance: Number(row["distance"]),
  origin: String(row["origin"]),
  destination: String(row["destination"]),
});

/** Answers the day's requests in their order; every ten minutes it is told which flights became known. */
const replay = Stage.make("replay", {
  description: "serves the first of June from the feature store",
  input: {
    state: FeatureStore.Materialised,
    data: Table.of(Flight, "checked"),
  },
  output: Table.of(Served, "checked"),
  cache: "never",
  run: Effect.fnUntraced(function* ({ data }, { progress }) {
    const db = yield* Duckdb.Duckdb;
    const events = yield* db.rows("read the first of June", eventsSql(yield* Table.relation(data)));
    const landings = Map.groupBy(events, ({ known }) => Math.floor(Number(known) / tenMinutes));
    const departures = Map.groupBy(events, ({ departed }) =>
      Math.floor(Number(departed) / tenMinutes),
    );
    const online = yield* OnlineFeatures.fromStore(DelayFeatures.spec);
    const names = DelayFeatures.spec.features.map(({ name }) => Parity.servedName(name));
    const lines: Array<string> = [];
    for (let at = day.from.getTime() / tenMinutes; at < day.to.getTime() / tenMinutes; at++) {
      const requests = (departures.get(at) ?? []).map(flightOf);
      for (const [index, answer] of (yield* online.rows(requests)).entries()) {
        const { features } = yield* Effect.fromResult(answer);
        const { delay: _, ...request } = requests[index] ?? {};
        const served = names.map((name, at) => [name, orNull(features[at])] as const);
        lines.push(JSON.stringify({ ...request, ...Object.fromEntries(served) }));
      }
      yield* FeatureStore.append(DelayFeatures, (landings.get(at) ?? []).map(flightOf), {
        knownUntil: new Date((at + 1) * tenMinutes),
      });
    }
    yield* progress({ label: "requests", rows: lines.length });
    const folder = yield* (yield* Artifact.ArtifactStore).temporaryFolder;
    const file = path.join(folder, "served.ndjson");
    yield* Effect.promise(() => fs.writeFile(file, lines.join("\n")));
    const columns = Object.entries(Served.spec.columns).map(
      ([name, { type }]) => `${Duckdb.literal(name)}: '${sqlTypes[type] ?? "VARCHAR"}'`,
    );
    return yield* Table.write(Served, "checked", {
      query: `FROM read_json(${Duckdb.fileLiteral(file)}, format = 'newline_delimited', columns = {${columns.join(", ")}}) ORDER BY ALL`,
    });
  }, Effect.scoped),
});

const sqlTypes: { readonly [type: string]: string } = {
  timestamp: "TIMESTAMP",
  int: "BIGINT",
  float: "DOUBLE",
};

const orNull = (value = Number.NaN): number | null => (Number.isNaN(value) ? null : value);

const materialise = Features.materialise(DelayFeatures, { until: "2001-06-01" });
const parity = Parity.stage(DelayFeatures);

export default Pipeline.make(
  "flight-delay-online",
  { charter, description: "a day served from the feature store, compared with the batch" },
  () => {
    const { checked } = validate({ data: ingest() });
    const state = materialise({ data: checked });
    const served = replay({ state, data: checked });
    return { parity: parity({ served, history: checked }) };
  },
);
