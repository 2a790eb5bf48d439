/** Runs to report on: a flight-delay pipeline that passed, was rejected, failed, and others. */
import {
  Charter,
  Column,
  Contract,
  Digest,
  type Exhibit,
  type Finding,
  type Graph,
  Hook,
  type Run,
  type Signal,
  Verdict,
} from "@ml-pipe/core";

const flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  consumers: ["passenger-care", "crew-planning"],
  description: "one row per domestic flight",
  columns: {
    date: Column.timestamp({ description: "actual departure, local time of the origin" }),
    delay: Column.int({
      description: "arrival later than scheduled; negative if early",
      unit: "min",
      min: -120,
      max: 1440,
      availableAt: "outcome",
    }),
    distance: Column.int({ unit: "mi", min: 1, max: 5000 }),
    origin: Column.string({ pattern: "[A-Z]{3}", description: "IATA code" }),
    cabin: Column.string({
      values: ["economy", "business"],
      nullable: true,
      classification: "internal",
    }),
  },
  eventTime: "date",
  label: "delay",
  group: "origin",
  key: ["date", "origin"],
  expectations: [
    {
      spec: {
        kind: "mean",
        name: "delay.mean",
        columns: ["delay"],
        args: { atMost: 30 },
        severity: "warn",
        owner: "crew-planning",
      },
    },
  ],
  freshness: "2 days",
  minRows: 1_000_000,
});

const features = Contract.make("delay-features", {
  version: "1.0.0",
  owner: "passenger-care",
  consumers: ["delay-risk"],
  columns: {
    minuteOfDay: Column.int({ unit: "min", min: 0, max: 1439 }),
    originLate6h: Column.float({
      min: 0,
      max: 1,
      nullable: true,
      description: "share of late departures from the origin in the last six hours",
    }),
    routeLate28d: Column.float({ min: 0, max: 1, nullable: true }),
    late: Column.boolean({ availableAt: "outcome", description: "more than 15 min late" }),
  },
});

const charter = Charter.make({
  title: "Warn connecting passengers",
  decision: {
    question: "warn connecting passengers and hold a seat on a later flight?",
    madeAt: "departure",
    actor: "the gate agent",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "expected cost",
    unit: "USD per flight",
    costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
  },
  baseline: {
    name: "night rule",
    description: "warn for every departure from 21:00 on, as dispatchers do",
    rule: { gte: ["minuteOfDay", 1260] },
  },
  smallestGain: 0.25,
  surface: "one line on the gate display, confirmed by the agent",
  guardrails: ["at most one seat held per passenger", "no warning in the last five minutes"],
  kill: { on: "2027-12-31", criterion: "no measured gain over the night rule after six months" },
  owner: "passenger-care",
  approvers: ["head-of-operations", "data-protection"],
});

const rerun = Hook.rerun({ armAt: 0.2, disarmBelow: 0.1, confirm: 3, coolDown: "7 days" });
const alert = Hook.alert({ armAt: 0.25, armed: true });

const table = (contract: string, role: string) => ({
  kind: `Table<${contract}, ${role}>`,
  contract,
});
const port = (name: string, kind: { readonly kind: string; readonly contract?: string }) => ({
  name,
  ...kind,
});
const from = (stage: string, port = "") => ({ from: { stage, port } });

const raw = table("flight", "raw");
const checked = table("flight", "checked");
const row = (role: string) => table("delay-features", role);
const model = { kind: "Model<delay-features>", contract: "delay-features" };
const verdictKind = { kind: "Verdict" };
const passedKind = { kind: "Verdict<passed>" };
const release = { kind: "Release<delay-features>", contract: "delay-features" };

const node = (
  name: string,
  description: string,
  inputs: Graph.StageNode["inputs"],
  outputs: Graph.StageNode["outputs"],
  signals: Graph.StageNode["signals"] = [],
): Graph.StageNode => ({ name, description, params: {}, inputs, outputs, signals });

const graph: Graph.Graph = {
  pipeline: "flight-delay",
  description: "from three million flights to a monitored release",
  charter: charter.spec,
  charterDigest: charter.digest,
  contracts: { flight: flight.spec, "delay-features": features.spec },
  stages: [
    node("ingest", "reads flights from Parquet", [], [port("", raw)]),
    node(
      "validate",
      "checks every row against its contract",
      [{ ...port("data", raw), ...from("ingest") }],
      [port("checked", checked), port("quarantined", raw)],
    ),
    node(
      "features",
      "computes what is known at the decision",
      [{ ...port("data", checked), ...from("validate", "checked") }],
      [port("", row("checked"))],
    ),
    node(
      "split",
      "splits by time, with an embargo",
      [{ ...port("data", row("checked")), ...from("features") }],
      ["train", "validation", "test", "live"].map((role) => port(role, row(role))),
    ),
    node(
      "train",
      "boosted trees",
      [
        { ...port("train", row("train")), ...from("split", "train") },
        { ...port("validation", row("validation")), ...from("split", "validation") },
      ],
      [port("", model)],
    ),
    node(
      "evaluate",
      "judges the model by the charter's gates",
      [
        { ...port("model", model), ...from("train") },
        { ...port("data", row("test")), ...from("split", "test") },
      ],
      [port("verdict", verdictKind)],
    ),
    node(
      "gate",
      "lets only a passed verdict through",
      [{ ...port("verdict", verdictKind), ...from("evaluate", "verdict") }],
      [port("", passedKind)],
    ),
    node(
      "deploy",
      "makes a release",
      [
        { ...port("model", model), ...from("train") },
        { ...port("verdict", passedKind), ...from("gate") },
        { ...port("history", checked), ...from("validate", "checked") },
      ],
      [port("", release)],
    ),
    node(
      "monitor",
      "watches the release on live data",
      [
        { ...port("release", release), ...from("deploy") },
        { ...port("reference", row("train")), ...from("split", "train") },
        { ...port("live", row("live")), ...from("split", "live") },
      ],
      [port("", { kind: "value" })],
      [
        { name: "DataDrift", description: "the largest population stability index of a feature" },
        { name: "MetricDrop", description: "cost above what the release promised, USD per flight" },
      ],
    ),
  ],
  feedback: [
    { from: "monitor", signal: "DataDrift", to: "train", hook: rerun },
    { from: "monitor", signal: "MetricDrop", hook: alert },
  ],
};

const roc = (power: number): Array<[number, number]> =>
  Array.from({ length: 41 }, (_, index) => [index / 40, 1 - (1 - index / 40) ** power]);

const dayMillis = 86_400_000;
const june = Date.UTC(2001, 5, 1);
const drift = [
  0.04, 0.05, 0.05, 0.07, 0.06, 0.04, 0.08, 0.11, 0.09, 0.13, 0.16, 0.14, 0.19, 0.21, 0.18, 0.22,
  0.24, 0.27, 0.26, 0.19, 0.14, 0.11, 0.09, 0.08, 0.07, 0.09, 0.06, 0.05, 0.06, 0.05,
];

const exhibits: Record<string, ReadonlyArray<Exhibit.Exhibit>> = {
  split: [
    {
      _tag: "table",
      title: "Rows by role",
      caption: "One day between the parts is left out.",
      columns: ["role", "from", "until", "rows", "late"],
      rows: [
        ["train", "2001-01-01", "2001-04-14", 1_731_204, 0.2061],
        ["validation", "2001-04-15", "2001-04-30", 271_930, 0.181],
        ["test", "2001-05-01", "2001-05-31", 513_771, 0.1687],
        ["live", "2001-06-01", "2001-06-30", 497_402, null],
      ],
    },
  ],
  evaluate: [
    {
      _tag: "line",
      title: "ROC curve",
      caption: "Share of late flights found, for every share of false alarms.",
      x: { label: "false positive rate" },
      y: { label: "true positive rate" },
      diagonal: true,
      series: [
        { name: "model (AUC 0.744)", points: roc(2.9) },
        { name: "night rule (AUC 0.561)", points: roc(1.28) },
      ],
    },
    {
      _tag: "line",
      title: "Reliability",
      caption: "Where the model says 30 %, 30 % should be late.",
      x: { label: "predicted probability" },
      y: { label: "observed share" },
      diagonal: true,
      series: [
        {
          name: "model",
          marks: true,
          points: [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map((p) => [
            p,
            p + 0.03 * Math.sin(9 * p),
          ]),
        },
      ],
    },
    {
      _tag: "histograms",
      title: "Distributions, before and now",
      caption: "Shares of the rows with a value.",
      series: ["reference (1,200,000 rows)", "now (300,000 rows)"],
      panels: [
        {
          name: "distance",
          about: "jensen-shannon 0.03",
          bins: { kind: "number", edges: [0, 500, 1000, 1500, 2000] },
          shares: [
            [0.4, 0.3, 0.2, 0.1],
            [0.35, 0.3, 0.2, 0.15],
          ],
          facts: [["nulls", "0 %"]],
        },
        {
          name: "origin",
          about: "jensen-shannon 0.31, at most 0.12",
          marked: true,
          bins: { kind: "category", labels: ["ATL", "ORD", "a very long name of an airport"] },
          shares: [
            [0.5, 0.3, 0.2],
            [0.1, 0.3, 0.6],
          ],
          facts: [
            ["nulls", "0 % → 3 %"],
            ["distinct", "3"],
          ],
        },
      ],
    },
    {
      _tag: "bar",
      title: "Gain over the baseline by origin",
      caption: "With 95 % intervals.",
      value: { label: "gain, USD per flight" },
      bars: [
        { name: "ATL", value: 0.61, lower: 0.48, upper: 0.74 },
        { name: "ORD", value: 0.94, lower: 0.79, upper: 1.09 },
        { name: "DFW", value: 0.43, lower: 0.3, upper: 0.56 },
        { name: "LAX", value: 0.28, lower: 0.13, upper: 0.43 },
        { name: "PHX", value: -0.06, lower: -0.22, upper: 0.1 },
        { name: "all other origins", value: 0.52, lower: 0.47, upper: 0.57 },
      ],
      reference: { value: 0.25, label: "smallest gain worth shipping" },
    },
    {
      _tag: "table",
      title: "Costs",
      columns: ["policy", "warned", "cost, USD per flight"],
      rows: [
        ["never warn", 0, 10.12],
        ["night rule", 0.1183, 9.871],
        ["model", 0.2276, 9.32],
      ],
    },
  ],
  monitor: [
    {
      _tag: "line",
      title: "Drift by day",
      caption: "Population stability index against the training data.",
      x: { label: "day", kind: "time" },
      y: { label: "PSI" },
      rules: [
        { y: 0.2, label: "act" },
        { y: 0.1, label: "watch" },
      ],
      series: ["originLate6h", "routeLate28d", "minuteOfDay"].map((name, index) => ({
        name,
        points: drift.map((value, day): [number, number] => [
          june + day * dayMillis,
          value / (1 + index * 1.4),
        ]),
      })),
    },
    {
      _tag: "line",
      title: "Latency",
      x: { label: "requests per second", kind: "log" },
      y: { label: "p99, ms", kind: "log" },
      series: [
        {
          name: "p99",
          marks: true,
          points: [
            [10, 0.9],
            [100, 1.1],
            [1000, 2.4],
            [5000, 14],
          ],
        },
      ],
    },
  ],
};

const findings: Record<string, ReadonlyArray<Finding.Finding>> = {
  validate: [
    {
      check: "delay.range",
      severity: "warn",
      column: "delay",
      owner: "flight-operations",
      expected: "from -120 to 1440 min",
      found: "17 rows outside, up to 1,688 min",
      rows: 17,
      sample: [10_244, 88_120, 1_204_551],
      next: "They are in quarantine. Ask flight-operations whether diverted flights belong here.",
    },
    {
      check: "origin.values",
      severity: "info",
      column: "origin",
      owner: "flight-operations",
      expected: "the origins of last month",
      found: "1 new origin: SCE",
      rows: 212,
      next: "Nothing, unless the airport should not be here.",
    },
  ],
};

/** Signals as the monitor emitted them. */
const signals: ReadonlyArray<Signal.Emitted> = [
  ...drift.map((value, day) => ({
    signal: "DataDrift",
    at: new Date(june + day * dayMillis),
    value,
    payload: { column: "originLate6h" },
  })),
  ...[-0.2, -0.1, 0.05].map((value, index) => ({
    signal: "MetricDrop",
    at: new Date(june + (index * 10 + 9) * dayMillis),
    value,
    payload: null,
  })),
];

const hooks: ReadonlyArray<Run.HookRecord> = [
  {
    stage: "monitor",
    signal: "DataDrift",
    to: "train",
    hook: rerun,
    decisions: Hook.replay(
      rerun.policy,
      signals.filter(({ signal }) => signal === "DataDrift"),
    ),
  },
  {
    stage: "monitor",
    signal: "MetricDrop",
    hook: alert,
    decisions: Hook.replay(
      alert.policy,
      signals.filter(({ signal }) => signal === "MetricDrop"),
    ),
  },
];

const evidence: ReadonlyArray<Verdict.Evidence> = [
  {
    gate: "beats the baseline",
    outcome: "passed",
    expected: "a gain over the night rule of at least 0.25 USD per flight, with 95 % confidence",
    found: "0.55 USD per flight (0.50 to 0.60)",
    next: "",
  },
  {
    gate: "no leakage",
    outcome: "passed",
    expected: "no feature that alone tells the outcome",
    found: "strongest single feature: originLate6h, AUC 0.66",
    next: "",
  },
  {
    gate: "calibration",
    outcome: "passed",
    expected: "an expected calibration error of at most 0.03",
    found: "0.017",
    next: "",
  },
  {
    gate: "slices",
    outcome: "passed",
    expected: "no origin with 5,000 or more flights that loses more than 0.25 USD per flight",
    found: "worst: PHX, -0.06 (-0.22 to 0.10)",
    next: "",
  },
];

const judged = (evidence: ReadonlyArray<Verdict.Evidence>): Verdict.Verdict =>
  Verdict.judge(
    evidence.map(({ gate, ...answer }) => ({ name: gate, check: () => answer })),
    undefined,
    {
      model: Digest.ofBytes("model"),
      charter: charter.digest,
      testSet: Digest.ofBytes("test set"),
    },
  );

const json = ({ status, evidence, model, charter, testSet, digest }: Verdict.Verdict) => ({
  status,
  model,
  charter,
  testSet,
  digest,
  evidence: evidence.map((each) => ({ ...each })),
});

const id = "2026-06-14T08-00-00-7d2f";
const start = Date.UTC(2026, 5, 14, 8);

interface Took {
  readonly stage: string;
  readonly seconds: number;
  readonly rows?: number;
  readonly cached?: boolean;
}

const took: ReadonlyArray<Took> = [
  { stage: "ingest", seconds: 4.2, rows: 3_000_000, cached: true },
  { stage: "validate", seconds: 6.8, rows: 3_000_000, cached: true },
  { stage: "features", seconds: 21.4, rows: 2_999_983 },
  { stage: "split", seconds: 3.9, rows: 2_999_983 },
  { stage: "train", seconds: 96.3, rows: 1_731_204 },
  { stage: "evaluate", seconds: 12.1, rows: 513_771 },
  { stage: "gate", seconds: 0.01 },
  { stage: "deploy", seconds: 1.7 },
  { stage: "monitor", seconds: 18.5, rows: 497_402 },
];

/** The stages of a run until one that ended it; those after it were not reached. */
const stagesUntil = (
  verdict: Verdict.Verdict,
  last?: { readonly stage: string; readonly record: Partial<Run.StageRun> },
): ReadonlyArray<Run.StageRun> => {
  let now = start;
  let ended = false;
  return took.map(({ stage, seconds, rows, cached }): Run.StageRun => {
    const startedAt = new Date(now);
    const nothing = { run: id, stage, startedAt, findings: [], exhibits: [], signals: [] };
    if (ended)
      return { ...nothing, status: "not-reached", cacheNote: `${last?.stage} ended the run` };
    now += cached === true ? 90 : seconds * 1000;
    const done: Run.StageRun = {
      ...nothing,
      status: cached === true ? "cached" : "succeeded",
      endedAt: new Date(now),
      cacheNote:
        cached === true
          ? "inputs, parameters and code are unchanged"
          : "the code changed: pipeline.ts, DelayFeatures",
      findings: findings[stage] ?? [],
      exhibits: exhibits[stage] ?? [],
      signals: stage === "monitor" ? signals : [],
      ...(cached === true ? { reusedFrom: "2026-06-13T08-00-00-11aa" } : {}),
      ...(rows === undefined ? {} : { rows }),
      ...(stage === "evaluate" ? { outputs: { verdict: json(verdict) } } : {}),
      ...(stage === "gate" ? { outputs: { "": json(verdict) } } : {}),
    };
    if (stage !== last?.stage) return done;
    ended = true;
    const { outputs: _outputs, rows: _rows, ...bare } = done;
    return { ...bare, exhibits: [], ...last.record };
  });
};

const runOf = (
  status: Run.RunStatus,
  stages: Run.Run["stages"],
  more: Partial<Run.Run> = {},
): Run.Run => ({
  id,
  pipeline: graph.pipeline,
  status,
  startedAt: new Date(start),
  endedAt: new Date(start + 160_000),
  pid: 4711,
  graph,
  stages,
  hooks: [],
  ...more,
});

/** Every gate passed, and the release is watched. */
export const passed: Run.Run = runOf("succeeded", stagesUntil(judged(evidence)), { hooks });

const rejectedVerdict = judged(
  evidence.map((each) =>
    each.gate === "beats the baseline"
      ? {
          ...each,
          outcome: "failed",
          found: "0.11 USD per flight (0.06 to 0.16)",
          next: "Add what the gate agent knows, or renew the charter with a smaller gain.",
        }
      : each.gate === "slices"
        ? {
            ...each,
            outcome: "inconclusive",
            found: "no origin has 5,000 flights in this test set",
            next: "Test on a longer period.",
          }
        : each,
  ),
);

/** The model does not beat the baseline, so the gate stopped the run. */
export const rejected: Run.Run = runOf(
  "stopped",
  stagesUntil(rejectedVerdict, {
    stage: "gate",
    record: {
      status: "stopped",
      failure: {
        tag: "GateClosed",
        message: new Verdict.GateClosed({
          status: "rejected",
          evidence: rejectedVerdict.evidence,
        }).message,
      },
    },
  }),
);

/** Training broke. */
export const failed: Run.Run = runOf(
  "failed",
  stagesUntil(judged(evidence), {
    stage: "train",
    record: {
      status: "failed",
      failure: {
        tag: "TrainError",
        message:
          "train: column originLate6h of Table<delay-features, train> is null in every row.\n  expected: a number in at least one row\n  found: 1,731,204 nulls\n  next: compute features from at least six hours of history",
      },
    },
  }),
);

/** A person ended the run while it trained. */
export const interrupted: Run.Run = runOf(
  "interrupted",
  stagesUntil(judged(evidence), { stage: "train", record: { status: "interrupted" } }),
  { causedBy: { run: "2026-06-13T08-00-00-11aa", signal: "DataDrift" } },
);

/** One gate could not answer. */
export const inconclusive: Run.Run = runOf(
  "stopped",
  stagesUntil(
    judged(
      evidence.map((each) =>
        each.gate === "slices"
          ? { ...each, outcome: "inconclusive", found: "too few flights", next: "Wait for July." }
          : each,
      ),
    ),
    { stage: "gate", record: { status: "stopped" } },
  ),
);

/** A verdict whose status was changed after the fact. */
export const forged: Run.Run = {
  ...rejected,
  stages: rejected.stages.map((record) =>
    record.stage === "evaluate"
      ? { ...record, outputs: { verdict: { ...json(rejectedVerdict), status: "passed" } } }
      : record,
  ),
};

/** A run that just began: no end, no stage records. */
const { endedAt: _endedAt, ...begun } = runOf("running", []);
export const running: Run.Run = begun;

const values = (kind: string) => ({ kind });
const staged = (
  name: string,
  inputs: ReadonlyArray<readonly [name: string, stage: string, kind: string]>,
  kind: string,
  more: Partial<Graph.StageNode> = {},
): Graph.StageNode => ({
  ...node(
    name,
    `does ${name}`,
    inputs.map(([port, stage, kind]) => ({ name: port, ...values(kind), ...from(stage) })),
    [port("", values(kind))],
  ),
  ...more,
});
const onBranch = (is: boolean) => ({
  when: [{ choice: "retune", ...from("drift/check"), is }],
});

/** A graph with sub-pipelines, a fan-out, branches, and a gate that asks a person. */
const controlled: Graph.Graph = {
  ...graph,
  pipeline: "stores",
  description: "one model a store",
  feedback: [],
  contracts: {},
  stages: [
    staged("fetch", [], "Stores"),
    staged("prepare/clean", [["stores", "fetch", "Stores"]], "Stores", { group: ["prepare"] }),
    staged("prepare/text/split", [["stores", "prepare/clean", "Stores"]], "Words", {
      group: ["prepare", "text"],
    }),
    staged("prepare/text/count", [["words", "prepare/text/split", "Words"]], "Counts", {
      group: ["prepare", "text"],
    }),
    staged("train-stores", [["store", "prepare/clean", "Stores"]], "Models", {
      kind: "each",
      resources: { cores: "all", memoryBytes: 4 * 2 ** 30 },
    }),
    staged("drift/check", [["counts", "prepare/text/count", "Counts"]], "boolean", {
      group: ["drift"],
    }),
    staged("tune", [["models", "train-stores", "Models"]], "Models", onBranch(true)),
    staged("keep", [["models", "train-stores", "Models"]], "Models", onBranch(false)),
    staged(
      "retune",
      [
        ["if", "drift/check", "boolean"],
        ["yes", "tune", "Models"],
        ["no", "keep", "Models"],
      ],
      "Models",
      { kind: "choice" },
    ),
    staged("sign-off", [["evidence", "retune", "Models"]], "Approved", { kind: "approval" }),
    staged("deploy", [["approval", "sign-off", "Approved"]], "Release"),
  ],
};

const controlledRecord = (
  stage: string,
  status: Run.StageStatus,
  second: number,
  more: Partial<Run.StageRun> = {},
): Run.StageRun => ({
  run: id,
  stage,
  status,
  startedAt: new Date(start + second * 1_000),
  endedAt: new Date(start + (second + 9) * 1_000),
  cacheNote: "it has not run before",
  findings: [],
  exhibits: [],
  signals: [],
  ...more,
});

const noRows = (key: string) => ({
  key,
  failure: { tag: "NoRows", message: `store ${key} sold nothing in May` },
});

const controlledStages = [
  controlledRecord("fetch", "succeeded", 0, {
    attempts: [0, 2].map((second) => ({
      failure: { tag: "HttpError", message: "503 from the list of stores" },
      at: new Date(start + second * 1_000),
      delayMs: 2_000,
    })),
  }),
  controlledRecord("prepare/clean", "succeeded", 9, { rows: 481_002 }),
  controlledRecord("prepare/text/split", "cached", 18, { reusedFrom: id }),
  controlledRecord("prepare/text/count", "succeeded", 18),
  controlledRecord("train-stores", "succeeded", 18, {
    items: { total: 1_000, succeeded: 968, cached: 30, failed: 2 },
  }),
  controlledRecord("drift/check", "succeeded", 27),
  controlledRecord("tune", "skipped", 36, { cacheNote: "on a branch that was not taken" }),
  controlledRecord("keep", "succeeded", 36),
  controlledRecord("retune", "succeeded", 45, { cacheNote: 'took the branch "no"' }),
];

const ask = {
  question: "Release the models to all stores?",
  evidence: Digest.ofBytes("models"),
  approvers: ["head-of-operations", "data-protection"],
  expiresAfterMs: 7 * 86_400_000,
};

/** It waits for a person. */
export const suspended: Run.Run = runOf(
  "suspended",
  [
    ...controlledStages,
    controlledRecord("sign-off", "suspended", 46, {
      asks: ask,
      failure: { tag: "ApprovalPending", message: "waits" },
    }),
    controlledRecord("deploy", "not-reached", 46),
  ],
  { graph: controlled, startedBy: "ben" },
);

/** The person said yes, and it went on. */
export const approved: Run.Run = runOf(
  "succeeded",
  [
    ...controlledStages,
    controlledRecord("sign-off", "succeeded", 46, {
      asks: ask,
      outputs: {
        "": {
          gate: "sign-off",
          evidence: ask.evidence,
          author: "ben",
          approver: "head-of-operations",
          reason: "the gain pays for the seats",
          at: "2026-06-15T09:12:00.000Z",
          expiresAt: "2026-06-22T09:12:00.000Z",
          input: { rolloutPercent: 10 },
        },
      },
    }),
    controlledRecord("deploy", "succeeded", 47),
  ],
  { graph: controlled, startedBy: "ben", resumedAt: [new Date(start + 90_000_000)] },
);

/** Too many items failed. */
export const itemsFailed: Run.Run = runOf(
  "failed",
  controlledStages.slice(0, 5).map((record) =>
    record.stage === "train-stores"
      ? {
          ...record,
          status: "failed" as const,
          items: { total: 1_000, succeeded: 900, cached: 30, failed: 70 },
          failure: {
            tag: "ItemsFailed",
            message: "70 of 1000 items failed",
            items: Array.from({ length: 70 }, (_, index) => noRows(`store-${index}`)),
          },
        }
      : record,
  ),
  { graph: controlled },
);

/** More stages than can be drawn. */
export const many: Run.Run = runOf("running", [], {
  graph: {
    ...controlled,
    stages: Array.from({ length: 1_000 }, (_, index) => staged(`stage-${index}`, [], "Counts")),
  },
});

/** A pipeline with nothing in it. */
export const empty: Run.Run = runOf("succeeded", [], {
  graph: { ...graph, stages: [], feedback: [], contracts: {}, description: "" },
});

/** A pipeline of two stages, which fits from left to right. */
export const small: Run.Run = runOf("succeeded", passed.stages.slice(0, 2), {
  graph: { ...graph, stages: graph.stages.slice(0, 2), feedback: [] },
});

/** Literals that a schema fixes; every other text of a record is somebody's words. */
const literals = new Set([
  // Under these keys:
  "_tag",
  "status",
  "severity",
  "action",
  "type",
  "availableAt",
  "outcome",
  // These values:
  "number",
  "time",
  "log",
  "category",
]);

/** `run` with `text` after every name, message and value, and in a verdict that still holds. */
export const withText = (run: Run.Run, text: string): Run.Run => {
  const change = (value: unknown, key: string): unknown => {
    if (typeof value === "string") {
      return literals.has(key) || literals.has(value) ? value : `${value}${text}`;
    }
    if (Array.isArray(value)) return value.map((each) => change(each, key));
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    const named = key === "contracts" || key === "columns";
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        named ? `${name}${text}` : name,
        change(each, name),
      ]),
    );
  };
  const changed = change(run, "");
  if (!isRun(changed)) throw new Error("the run is no run any more");
  const verdict = judged(
    evidence.map(({ outcome, ...words }) => ({
      outcome,
      gate: `${words.gate}${text}`,
      expected: `${words.expected}${text}`,
      found: `${words.found}${text}`,
      next: `${words.next}${text}`,
    })),
  );
  const stages = changed.stages.map(({ outputs, ...record }) =>
    outputs === undefined ? record : { ...record, outputs: { "": json(verdict) } },
  );
  return { ...changed, stages };
};

const isRun = (value: unknown): value is Run.Run =>
  typeof value === "object" && value !== null && "graph" in value && "stages" in value;
