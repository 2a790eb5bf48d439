/**
 * What differs between two runs: parameters, code, contracts, charter, outputs, evidence, exhibits,
 * findings and times, stage by stage.
 */
import * as Schema from "effect/Schema";
import type { Exhibit } from "./Exhibit.ts";
import { Finding } from "./Finding.ts";
import { Graph } from "./Graph.ts";
import { changesBetween } from "./internal/changes.ts";
import { keyed, Leaf, leavesBetween, type SameNumber } from "./internal/leaves.ts";
import { Change } from "./Plan.ts";
import { type Run, RunSummary, type StageRun, StageStatus } from "./Run.ts";

export { Leaf } from "./internal/leaves.ts";

/** How one stage of a run differs from that stage of another. */
export const StageDifference = Schema.Struct({
  stage: Schema.String,
  /** Absent where the run has no such stage. */
  status: Schema.Struct({
    was: Schema.optionalKey(StageStatus),
    is: Schema.optionalKey(StageStatus),
  }),
  /** How long it took; absent where it did not end. */
  durationMs: Schema.Struct({
    was: Schema.optionalKey(Schema.Finite),
    is: Schema.optionalKey(Schema.Finite),
  }),
  /** What it was executed on: code by file, parameters, contracts, what it read, inputs. */
  changes: Schema.Array(Change),
  /** Which outputs are wired to its inputs. */
  wiring: Schema.Array(Leaf),
  /** Its outputs, such as rows of tables, digests and the evidence of a verdict; by port first. */
  outputs: Schema.Array(Leaf),
  /** Figures and tables that it attached: by title first. */
  exhibits: Schema.Array(Leaf),
  findings: Schema.Struct({ gone: Schema.Array(Finding), added: Schema.Array(Finding) }),
});
/** See {@link StageDifference}. */
export type StageDifference = typeof StageDifference.Type;

/** How a run differs from another, the first being taken as the earlier one. */
export const RunDifference = Schema.Struct({
  was: RunSummary,
  is: RunSummary,
  /** Nothing differs but names and times. */
  same: Schema.Boolean,
  /** The status, who started it, from which file, what forced it. */
  run: Schema.Array(Leaf),
  charter: Schema.Array(Leaf),
  /** Contracts on the graph's edges: by name first. */
  contracts: Schema.Array(Leaf),
  /** Every stage of either run, in the order of the later one. */
  stages: Schema.Array(StageDifference),
});
/** See {@link RunDifference}. */
export type RunDifference = typeof RunDifference.Type;

/**
 * How two runs differ. That a stage was reused in one of them and executed in the other is no
 * difference by itself. Numbers in exhibits count as the same if they agree to nine digits: sums of
 * floating-point numbers depend on their order.
 *
 * @example
 * ```ts
 * import { type Run, RunDifference } from "@ml-pipe/core";
 *
 * const changedParameters = (was: Run.Run, is: Run.Run) =>
 *   RunDifference.between(was, is).stages.flatMap(({ stage, changes }) =>
 *     changes.filter(({ kind }) => kind === "parameter").map(({ what }) => `${stage} ${what}`),
 *   );
 * ```
 */
export const between = (was: Run, is: Run): RunDifference => {
  const [before, after] = [graphJson(was), graphJson(is)];
  const names = new Set([...is.graph.stages, ...was.graph.stages].map(({ name }) => name));
  const stages = [...names].map((name) => stageDifference(name, was, is));
  const run = leavesBetween(factsOf(was), factsOf(is));
  const charter = leavesBetween(before.charter, after.charter);
  const contracts = leavesBetween(before.contracts, after.contracts);
  const same = [...run, ...charter, ...contracts].length === 0 && stages.every(isSame);
  return {
    was: summaryOf(was),
    is: summaryOf(is),
    same,
    run,
    charter,
    contracts,
    stages,
  };
};

/**
 * Whether a stage differs in nothing but how long it took.
 *
 * @example
 * ```ts
 * import { RunDifference } from "@ml-pipe/core";
 *
 * const changed = ({ stages }: RunDifference.RunDifference) =>
 *   stages.filter((stage) => !RunDifference.isSame(stage)).map(({ stage }) => stage);
 * ```
 */
export const isSame = (stage: StageDifference): boolean => {
  const { status, changes, wiring, outputs, exhibits, findings } = stage;
  const lists = [changes, wiring, outputs, exhibits, findings.gone, findings.added];
  return outcomeOf(status.was) === outcomeOf(status.is) && lists.every((list) => list.length === 0);
};

/** Reused or executed, its output is the same. */
const outcomeOf = (status: StageRun["status"] | undefined) =>
  status === "cached" ? "succeeded" : status;

const encodeGraph = Schema.encodeSync(Schema.toCodecJson(Graph));
const ChartersAndContracts = Schema.Struct({
  charter: Schema.Json,
  contracts: Schema.Json,
});
const decodeParts = Schema.decodeUnknownSync(ChartersAndContracts);

const graphJson = ({ graph }: Run) => decodeParts(encodeGraph(graph));

const factsOf = ({ pipeline, status, startedBy, file, forced = {} }: Run): Schema.Json => ({
  pipeline,
  status,
  startedBy: startedBy ?? null,
  file: file ?? null,
  forced,
});

const summaryOf = ({ graph: _, stages: __, hooks: ___, ...summary }: Run): RunSummary => summary;

const stageDifference = (name: string, was: Run, is: Run): StageDifference => {
  const [before, after] = [recordOf(was, name), recordOf(is, name)];
  return {
    stage: name,
    status: bothOf(before?.status, after?.status),
    durationMs: bothOf(durationOf(before), durationOf(after)),
    changes: changesOf(name, was, is),
    wiring: leavesBetween(wiringOf(was, name), wiringOf(is, name)),
    outputs: leavesBetween(before?.outputs ?? {}, after?.outputs ?? {}),
    exhibits: leavesBetween(exhibitsOf(before), exhibitsOf(after), nearlyEqual),
    findings: findingsBetween(before?.findings ?? [], after?.findings ?? []),
  };
};

const bothOf = <A>(
  was: A | undefined,
  is: A | undefined,
): { readonly was?: A; readonly is?: A } => ({
  ...(was === undefined ? {} : { was }),
  ...(is === undefined ? {} : { is }),
});

const recordOf = (run: Run, name: string) => run.stages.find(({ stage }) => stage === name);
const nodeOf = (run: Run, name: string) => run.graph.stages.find((stage) => stage.name === name);

const durationOf = (stage: StageRun | undefined): number | undefined =>
  stage?.endedAt === undefined
    ? undefined
    : Math.max(0, stage.endedAt.getTime() - stage.startedAt.getTime());

/** By what they were executed on; where that is not known, by the parameters on the graph. */
const changesOf = (name: string, was: Run, is: Run): ReadonlyArray<Change> => {
  const [before, after] = [recordOf(was, name)?.ingredients, recordOf(is, name)?.ingredients];
  if (before !== undefined && after !== undefined) return changesBetween(before, after);
  const [node, other] = [nodeOf(was, name), nodeOf(is, name)];
  if (node === undefined || other === undefined) return [];
  const none = {
    code: {},
    charter: null,
    contracts: {},
    environment: {},
    reads: null,
    inputs: {},
  };
  return changesBetween({ ...none, params: node.params }, { ...none, params: other.params });
};

const wiringOf = (run: Run, name: string): Schema.Json =>
  Object.fromEntries(
    (nodeOf(run, name)?.inputs ?? []).map((input) => [
      input.name,
      input.from.port === "" ? input.from.stage : `${input.from.stage}.${input.from.port}`,
    ]),
  );

/** Exhibits as JSON whose keys say what each number is. */
const exhibitsOf = (stage: StageRun | undefined): Schema.Json =>
  Object.fromEntries(
    [...keyed(stage?.exhibits ?? [], ({ title }) => title)].map(([title, exhibit]) => [
      title,
      numbersOf(exhibit),
    ]),
  );

const numbersOf = (exhibit: Exhibit): Schema.Json => {
  switch (exhibit._tag) {
    case "table": {
      const rows = keyed(exhibit.rows, ([first]) => (first === null ? undefined : String(first)));
      return mapped(rows, (row) =>
        Object.fromEntries(exhibit.columns.map((column, index) => [column, row[index] ?? null])),
      );
    }
    case "bar":
      return mapped(
        keyed(exhibit.bars, ({ name }) => name),
        ({ value }) => value,
      );
    case "line":
      return mapped(
        keyed(exhibit.series, ({ name }) => name),
        ({ points }) => Object.fromEntries(points.map(([x, y]) => [String(x), y])),
      );
    case "histograms":
      return mapped(
        keyed(exhibit.panels, ({ name }) => name),
        ({ bins, shares, facts }) => ({
          facts: Object.fromEntries(facts),
          shares: Object.fromEntries(
            exhibit.series.map((series, at) => [
              series,
              Object.fromEntries(
                (shares[at] ?? []).map((share, bin) => [
                  bins.kind === "category"
                    ? (bins.labels[bin] ?? String(bin))
                    : String(bins.edges[bin]),
                  share,
                ]),
              ),
            ]),
          ),
        }),
      );
  }
};

const mapped = <A>(
  members: ReadonlyMap<string, A>,
  value: (member: A) => Schema.Json,
): Schema.Json => Object.fromEntries([...members].map(([key, member]) => [key, value(member)]));

const nearlyEqual: SameNumber = (a, b) =>
  Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));

const encodeFinding = Schema.encodeSync(Schema.fromJsonString(Finding));

const findingsBetween = (was: ReadonlyArray<Finding>, is: ReadonlyArray<Finding>) => {
  const [before, after] = [was, is].map((list) => new Set(list.map((one) => encodeFinding(one))));
  return {
    gone: was.filter((finding) => after?.has(encodeFinding(finding)) === false),
    added: is.filter((finding) => before?.has(encodeFinding(finding)) === false),
  };
};
