import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import * as Graph from "./Graph.ts";
import * as Hook from "./Hook.ts";
import { charter } from "./internal/charter.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";

const Flight = Contract.make("flight", {
  version: "1.0",
  owner: "ops",
  columns: { delay: Column.int({ min: 0, availableAt: "outcome" }) },
});
const table = Schema.String.annotate({
  title: "Table<flight, raw>",
  ...Contract.annotationsOf(Flight),
});
const Drift = Signal.make("DataDrift", { description: "PSI", payload: Schema.String });

const read = Stage.make("read", {
  description: "reads flights",
  input: {},
  outputs: { table, rows: Schema.Int },
  params: { path: "flights.parquet", limits: [1, null] },
  run: () => Effect.succeed({ table: "x", rows: 1 }),
});
const watch = Stage.make("watch", {
  input: { table, rows: Schema.Int },
  output: Schema.Void,
  signals: { drift: Drift },
  run: () => Effect.void,
});

const pipeline = Pipeline.make("delays", { charter, description: "late?" }, () => {
  const source = read();
  const watched = watch({ table: source.table, rows: source.rows });
  const hook = Hook.rerun({ armAt: 0.2, confirm: 2 });
  Pipeline.feedback({ on: watched.signals.drift, to: source, hook });
  Pipeline.feedback({ on: watched.signals.drift, hook: Hook.alert({ armAt: 0.1 }) });
  return { watched };
});

describe("the snapshot of a pipeline", () => {
  const graph = Graph.of(pipeline);

  it("says what there is to show", () => {
    assert.deepStrictEqual(
      [graph.pipeline, graph.description, graph.charterDigest],
      ["delays", "late?", charter.digest],
    );
    assert.deepStrictEqual(graph.contracts, { flight: Flight.spec });
    const [first, second] = graph.stages;
    assert.deepStrictEqual(first?.outputs, [
      { name: "table", kind: "Table<flight, raw>", contract: "flight" },
      { name: "rows", kind: "value" },
    ]);
    assert.deepStrictEqual(first?.params, { path: "flights.parquet", limits: [1, null] });
    assert.deepStrictEqual(second?.inputs, [
      {
        name: "table",
        kind: "Table<flight, raw>",
        contract: "flight",
        from: { stage: "read", port: "table" },
      },
      { name: "rows", kind: "value", from: { stage: "read", port: "rows" } },
    ]);
    assert.deepStrictEqual(second?.signals, [{ name: "DataDrift", description: "PSI" }]);
    assert.isTrue(graph.stages.every(({ place }) => place?.file.endsWith("Graph.test.ts")));
    assert.deepStrictEqual(
      graph.feedback.map(({ from, signal, to, hook }) => [from, signal, to, hook.action]),
      [
        ["watch", "DataDrift", "read", "rerun"],
        ["watch", "DataDrift", undefined, "alert"],
      ],
    );
  });

  it("survives JSON", () => {
    const text = JSON.stringify(Schema.encodeSync(Graph.Graph)(graph));
    assert.deepStrictEqual(Schema.decodeUnknownSync(Graph.Graph)(JSON.parse(text)), graph);
  });
});
