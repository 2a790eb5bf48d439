import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { OpenLineage } from "@ml-pipe/observe";
import { afterAll, assert, it } from "vitest";
import { problemsOf } from "../../packages/observe/src/internal/lineage/published.fixture.ts";
import { mlPipe, remove, workspace } from "./support.ts";

const cwd = workspace("open-lineage");
afterAll(() => remove(cwd));

it("a run with real tables is told as the published schema wants it, reused or not", async () => {
  assert.strictEqual((await mlPipe(["init", "shop"], { cwd })).code, 0);
  const project = join(cwd, "shop");
  const file = join(cwd, "lineage.ndjson");
  const env = { OPENLINEAGE_URL: pathToFileURL(file).href, OPENLINEAGE_NAMESPACE: "shop" };
  const told = async (): Promise<ReadonlyArray<OpenLineage.LineageEvent>> => {
    const run = await mlPipe(["run", "pipeline.ts"], { cwd: project, env });
    assert.strictEqual(run.code, 0, run.out + run.err);
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  const first = await told();
  const both = await told();
  assert.lengthOf(both, 2 * first.length);
  assert.deepStrictEqual(both.flatMap(problemsOf), []);

  // What was reused stands for the same data.
  const data = (events: ReadonlyArray<OpenLineage.LineageEvent>) =>
    events
      .filter(({ eventType }) => eventType === "COMPLETE")
      .map(({ job, inputs, outputs }) => ({
        job: job.name,
        reads: inputs.map(({ name }) => name),
        writes: outputs.map(({ name, facets }) => [name, facets["version"]?.["datasetVersion"]]),
      }));
  const [before, after] = [data(first), data(both.slice(first.length))];
  // A release is new each time it is made.
  const reused = ({ job }: { readonly job: string }) => !/deploy|monitor/.test(job);
  assert.deepStrictEqual(after.filter(reused), before.filter(reused));

  const tables = first.flatMap(({ outputs }) => outputs).filter(({ facets }) => facets["schema"]);
  assert.isAbove(tables.length, 3);
  for (const { namespace, outputFacets } of tables) {
    assert.strictEqual(namespace, "shop");
    assert.isAbove(Number(outputFacets["outputStatistics"]?.["rowCount"]), 0);
  }
  const files = first
    .flatMap(({ inputs }) => inputs)
    .filter(({ namespace }) => namespace === "file");
  assert.match(files[0]?.name ?? "", /\.parquet$/);
});
