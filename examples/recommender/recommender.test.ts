/** The README says what the example gives. */
import { readFileSync } from "node:fs";
import { Evaluate, OnePage, Run } from "@ml-pipe/ml-pipe";
import * as Testing from "@ml-pipe/ml-pipe/testing";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { assert, it } from "vitest";
import pipeline from "./pipeline.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");

type Property = Evaluate.ListProperty;

/** `+0.0256 (0.0138 to 0.0371)`. */
const signed = (value: number): string => (value < 0 ? "" : "+") + value.toFixed(4);
const differenceOf = ({ difference: { estimate, interval } }: Property): string =>
  `${signed(estimate)} (${interval?.lower.toFixed(4)} to ${interval?.upper.toFixed(4)})`;

/** The rows of the README's tables. */
const sourceRow = (candidate: Evaluate.SourceResult): string =>
  `| ${candidate.source} | ${candidate.alone.judged.estimate.toFixed(4)} | ${differenceOf(candidate.alone)} | ${differenceOf(candidate.inside)} | ${Math.round(candidate.credit * 100)} % | ${Math.round(candidate.changed * 100)} % |`;
const propertyRow = (property: Property): string =>
  `| ${property.name} | ${property.judged.estimate.toFixed(4)} | ${property.against.estimate.toFixed(4)} | ${differenceOf(property)} |`;

/** A table's cells, whatever the spaces around them. */
const cells = (row: string) => row.split("|").map((cell) => cell.trim());

it("the page beats the baseline; one source's gain survives the merge, the other's does not", async () => {
  const { run } = await Effect.runPromise(
    Testing.observe(pipeline).pipe(Effect.provide(Testing.layer)),
  );
  const outputOf = <A>(stage: string, schema: Schema.Codec<A, unknown>): A =>
    Schema.decodeUnknownSync(schema)(Run.outputsOf(run, stage)?.["evaluation"]);
  assert.strictEqual(run.status, "succeeded");
  const page = outputOf("evaluate", Evaluate.ListEvaluation);
  const factors = outputOf("judgeFactors", Evaluate.SystemEvaluation);
  const neighbours = outputOf("judgeNeighbours", Evaluate.SystemEvaluation);
  const warned = run.stages.flatMap(({ stage, findings }) =>
    findings.flatMap(({ check, severity }) => (severity === "warn" ? [`${stage} ${check}`] : [])),
  );
  const rows = [
    ...page.properties.map(propertyRow),
    ...factors.sources.map(sourceRow),
    ...neighbours.sources.map(sourceRow),
  ];
  const written = readme.split("\n").map(cells).map(String);
  for (const row of rows) assert.include(written, String(cells(row)), rows.join("\n"));
  assert.deepStrictEqual(
    warned.filter((one) => !one.endsWith("evaluate.looks")),
    ["judgeNeighbours evaluate.gain-vanishes.neighbours"],
  );
  const { money, restsOn } = OnePage.of(run, []);
  assert.match(money.join(" "), /reach 0.06508 NDCG@10; these reach 0.09105. So they gain 0.02597/);
  assert.match(restsOn.join(" "), /^660 users and what they liked later/);
}, 300_000);
