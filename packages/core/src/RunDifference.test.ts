import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Digest from "./Digest.ts";
import { leavesBetween } from "./internal/leaves.ts";
import { artifact, at, graphOf, runOf, stageOf } from "./internal/records.fixture.ts";
import type { Ingredients, Run, StageRun } from "./Run.ts";
import * as RunDifference from "./RunDifference.ts";

const graph = graphOf({ load: {}, train: { data: "load" } });

const ingredients = (change: Partial<Ingredients> = {}): Ingredients => ({
  code: { "train.ts": Digest.ofBytes("1") },
  params: { trees: 10, depth: { most: 3 } },
  charter: null,
  contracts: {},
  environment: {},
  reads: null,
  inputs: {},
  ...change,
});

const run = (id: string, train: Partial<StageRun> = {}, change: Partial<Run> = {}): Run =>
  runOf(id, graph, {
    stages: [
      stageOf(id, "load", { outputs: { "": { rows: 3, data: artifact("rows") } } }),
      stageOf(id, "train", { ingredients: ingredients(), ...train }),
    ],
    ...change,
  });

const trainOf = ({ stages }: RunDifference.RunDifference) => {
  const found = stages.find(({ stage }) => stage === "train");
  assert.isDefined(found);
  return found;
};
const lines = (leaves: ReadonlyArray<RunDifference.Leaf>) =>
  leaves.map(({ path, was, is }) => `${path.join(" › ")}: ${String(was)} → ${String(is)}`);

describe("between", () => {
  it("finds nothing but times and names", () => {
    const later = run("b", { status: "cached", reusedFrom: "a", startedAt: at(0), endedAt: at(0) });
    const found = RunDifference.between(run("a"), later);
    assert.isTrue(found.same);
    assert.deepStrictEqual(trainOf(found).durationMs, { was: 1000, is: 0 });
  });

  it("names parameters, code and inputs", () => {
    const changed = ingredients({
      code: { "train.ts": Digest.ofBytes("2"), "new.ts": Digest.ofBytes("3") },
      params: { trees: 20, depth: { most: 3 } },
    });
    const found = RunDifference.between(run("a"), run("b", { ingredients: changed }));
    assert.isFalse(found.same);
    assert.deepStrictEqual(
      trainOf(found).changes.map(({ kind, what }) => `${kind} ${what}`),
      ["code train.ts", "code new.ts", "parameter trees"],
    );
  });

  it("falls back on the parameters of the graph", () => {
    const [node, ...others] = graph.stages.toReversed();
    assert.isDefined(node);
    const other = { ...graph, stages: [...others, { ...node, params: { trees: 5 } }] };
    const found = RunDifference.between(runOf("a", graph), runOf("b", other, { status: "failed" }));
    assert.deepStrictEqual(
      trainOf(found).changes.map(({ kind }) => kind),
      ["parameter"],
    );
    assert.deepStrictEqual(lines(found.run), ["status: succeeded → failed"]);
  });

  it("compares outputs, the evidence of verdicts by gate", () => {
    const verdict = (found: string) => ({
      "": {
        status: "passed",
        evidence: [
          { gate: "size", found },
          { gate: "gain", found: "0.1" },
        ],
      },
    });
    const found = RunDifference.between(
      run("a", { outputs: verdict("1 kB") }),
      run("b", { outputs: verdict("2 kB") }),
    );
    assert.deepStrictEqual(lines(trainOf(found).outputs), [
      " › evidence › size › found: 1 kB → 2 kB",
    ]);
  });

  it("compares exhibits by title, row and column, to nine digits", () => {
    const exhibits = (auc: number, rows: number): StageRun["exhibits"] => [
      { _tag: "table", title: "Rows", columns: ["role", "rows"], rows: [["train", rows]] },
      { _tag: "bar", title: "Gain", value: { label: "gain" }, bars: [{ name: "auc", value: auc }] },
      {
        _tag: "line",
        title: "Loss",
        x: { label: "tree" },
        y: { label: "loss" },
        series: [{ name: "validation", points: [[1, auc]] }],
      },
    ];
    const was = run("a", { exhibits: exhibits(0.7, 10) });
    const noise = run("b", { exhibits: exhibits(0.7 + 1e-14, 10) });
    assert.isTrue(RunDifference.between(was, noise).same);
    const found = RunDifference.between(was, run("b", { exhibits: exhibits(0.8, 11) }));
    assert.deepStrictEqual(lines(trainOf(found).exhibits), [
      "Rows › train › rows: 10 → 11",
      "Gain › auc: 0.7 → 0.8",
      "Loss › validation › 1: 0.7 → 0.8",
    ]);
  });

  it("tells findings that are gone from new ones", () => {
    const finding = (check: string) => ({
      check,
      severity: "warn" as const,
      expected: "none",
      found: "some",
      next: "ask",
    });
    const found = RunDifference.between(
      run("a", { findings: [finding("a"), finding("b")] }),
      run("b", { findings: [finding("b"), finding("c")] }),
    );
    const { gone, added } = trainOf(found).findings;
    assert.deepStrictEqual(
      [...gone, ...added].map(({ check }) => check),
      ["a", "c"],
    );
  });

  it("sees stages that came and went, other wiring, charters and contracts", () => {
    const other = graphOf({ load: {}, clean: { data: "load" }, train: { data: "clean" } });
    const found = RunDifference.between(
      run("a"),
      run(
        "b",
        {},
        {
          graph: {
            ...other,
            charter: { ...other.charter, title: "Another" },
            contracts: { row: { version: "2" } },
          },
        },
      ),
    );
    assert.deepStrictEqual(lines(trainOf(found).wiring), ["data: load → clean"]);
    assert.deepStrictEqual(
      found.charter.map(({ path }) => path),
      [["title"]],
    );
    assert.deepStrictEqual(
      found.contracts.map(({ path }) => path),
      [["row"]],
    );
    assert.deepStrictEqual(
      found.stages.map(({ stage }) => stage),
      ["load", "clean", "train"],
    );
  });

  it("goes through its schema unchanged", () => {
    const found = RunDifference.between(run("a"), run("b", { status: "failed" }));
    const encode = Schema.encodeSync(RunDifference.RunDifference);
    const decode = Schema.decodeSync(RunDifference.RunDifference);
    assert.deepStrictEqual(decode(encode(found)), found);
  });
});

describe("leaves", () => {
  const member = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom("a", "b"));
  const { value } = fc.letrec<{ value: Schema.Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      member,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("x", "y", "name"), tie("value"), { maxKeys: 3 }),
    ),
  }));

  it("are none exactly where the canonical text is the same", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const same = Digest.canonicalJson(a) === Digest.canonicalJson(b);
        assert.strictEqual(leavesBetween(a, b).length === 0, same);
        assert.lengthOf(leavesBetween(a, a), 0);
      }),
      { numRuns: 2000 },
    );
  });

  it("are the same places whichever comes first", () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const places = (x: Schema.Json, y: Schema.Json) =>
          leavesBetween(x, y)
            .map(({ path }) => path.join("/"))
            .toSorted();
        assert.deepStrictEqual(places(a, b), places(b, a));
      }),
    );
  });
});
