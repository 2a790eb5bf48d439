/** The graph of a pipeline as text. */
import { Contract, type Graph, type Hook } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import type { Style } from "./Style.ts";
import { columns, duration, plural, shortPath } from "./text.ts";
import { triggerText } from "./trigger.ts";

/**
 * The whole graph: charter, stages in order with what each takes and gives, contracts, feedback.
 */
export const graphText = (graph: Graph.Graph, style: Style): string =>
  [
    heading(graph, style),
    ...charterLines(graph, style),
    "",
    ...graph.stages.flatMap((stage, index) => stageLines(graph, stage, index + 1, style)),
    ...feedbackLines(graph, style),
    ...triggerLines(graph, style),
    ...contractLines(graph, style),
  ].join("\n");

/** One stage with everything the graph knows about it. */
export const stageText = (graph: Graph.Graph, stage: Graph.StageNode, style: Style): string =>
  [
    ...stageLines(graph, stage, graph.stages.indexOf(stage) + 1, style),
    `  ${style.dim("parameters")}  ${JSON.stringify(stage.params)}`,
    ...feedbackLines(
      {
        ...graph,
        feedback: graph.feedback.filter(({ from, to }) => [from, to].includes(stage.name)),
      },
      style,
    ),
  ].join("\n");

/** `monitor ~~DataDrift~~> train (rerun, dry)`. */
export const feedbackText = (
  edge: {
    readonly from: string;
    readonly signal: string;
    readonly to?: string;
    readonly hook: Hook.Hook;
  },
  owner: string,
): string => {
  const { action, armed } = edge.hook;
  const target = edge.to ?? (action === "alert" ? owner : "the whole pipeline");
  return `${edge.from} ~~${edge.signal}~~> ${target} (${action}, ${armed ? "armed" : "dry"})`;
};

const heading = (graph: Graph.Graph, style: Style): string =>
  [style.bold(graph.pipeline), graph.description].filter((part) => part !== "").join("  ");

const charterLines = ({ charter }: Graph.Graph, style: Style): ReadonlyArray<string> =>
  columns([
    ["charter", charter.title],
    [
      "decision",
      `${charter.decision.question} (${charter.decision.madeAt}, by ${charter.decision.actor})`,
    ],
    ["metric", `${charter.metric.name} in ${charter.metric.unit}`],
    [
      "must beat",
      `${charter.baseline.name} by ${charter.smallestGain} ${charter.metric.unit} or more`,
    ],
    ["owner", `${charter.owner}, until ${charter.kill.on.toISOString().slice(0, 10)}`],
  ]).map((line) => `  ${style.dim(line.slice(0, 9))}${line.slice(9)}`);

const stageLines = (
  graph: Graph.Graph,
  stage: Graph.StageNode,
  number: number,
  style: Style,
): ReadonlyArray<string> => {
  const place =
    stage.place === undefined ? "" : `${shortPath(stage.place.file)}:${stage.place.line}`;
  const signals = stage.signals.map(({ name, description }) => [
    "~",
    name,
    style.dim(`signal: ${description}`),
  ]);
  const inputs = stage.inputs.map(({ name, from, ...edge }) => [
    "←",
    `${from.stage}${from.port === "" ? "" : `.${from.port}`}`,
    `${style.cyan(edge.kind)} as ${name}${contractNote(graph, edge.contract, style)}`,
  ]);
  const outputs = stage.outputs.map((output) => [
    "→",
    output.name === "" ? stage.name : output.name,
    `${style.cyan(output.kind)}${contractNote(graph, output.contract, style)}`,
  ]);
  return [
    [`${String(number).padStart(2)} ${style.bold(stage.name)}`, stage.description, style.dim(place)]
      .filter((part) => part !== "")
      .join("  "),
    ...factLines(stage).map((line) => `     ${style.dim(line)}`),
    ...columns([...inputs, ...outputs, ...signals]).map((line) => `     ${line}`),
  ];
};

/** What is said about a stage beside what it takes and gives. */
const factLines = ({ kind, when = [], resources }: Graph.StageNode): ReadonlyArray<string> => [
  ...(kind === undefined ? [] : [kinds[kind]]),
  ...when.map(
    ({ choice, from, is }) => `runs if ${from.stage} decides ${is ? "yes" : "no"} (${choice})`,
  ),
  ...(resources === undefined ? [] : [resourcesText(resources)]),
];

const kinds = {
  each: "runs once for each item of a list",
  choice: "goes on with the branch that was taken",
  approval: "waits for a person",
};

const resourcesText = ({
  cores,
  memoryBytes,
}: NonNullable<Graph.StageNode["resources"]>): string => {
  const memory =
    memoryBytes === 0 ? "" : ` and ${(memoryBytes / 2 ** 30).toFixed(1)} GiB of memory`;
  return `asks for ${cores === "all" ? "all cores" : plural(cores, "core")}${memory}`;
};

const contractNote = (graph: Graph.Graph, name: string | undefined, style: Style): string => {
  if (name === undefined) return "";
  const spec = contractOf(graph, name);
  return style.dim(spec === undefined ? ` under ${name}` : ` under ${name} ${spec.version}`);
};

const feedbackLines = (graph: Graph.Graph, style: Style): ReadonlyArray<string> =>
  graph.feedback.length === 0
    ? []
    : [
        "",
        style.bold("Feedback"),
        ...graph.feedback.map(
          (edge) =>
            `  ${style.yellow(feedbackText(edge, graph.charter.owner))} ${style.dim(policyText(edge.hook.policy))}`,
        ),
      ];

/** When a hook acts, in words. */
const policyText = (policy: Hook.HookPolicy): string =>
  [
    `at ${policy.armAt} or more`,
    policy.confirm > 1 ? `${policy.confirm} times in a row` : "",
    policy.disarmBelow < policy.armAt ? `again after a value below ${policy.disarmBelow}` : "",
    policy.coolDownMs > 0 ? `cool-down ${duration(policy.coolDownMs)}` : "",
    `at most ${policy.budget.times} in ${duration(policy.budget.perMs)}`,
  ]
    .filter((part) => part !== "")
    .join(", ");

const contractLines = (graph: Graph.Graph, style: Style): ReadonlyArray<string> => {
  const rows = Object.keys(graph.contracts).map((name) => {
    const spec = contractOf(graph, name);
    if (spec === undefined) return [name];
    const consumers = spec.consumers.length === 0 ? "" : ` for ${spec.consumers.join(", ")}`;
    const names = Object.keys(spec.columns);
    return [`${name} ${spec.version}`, `by ${spec.owner}${consumers}`, style.dim(names.join(", "))];
  });
  return rows.length === 0
    ? []
    : ["", style.bold("Contracts"), ...columns(rows).map((row) => `  ${row}`)];
};

const decodeContract = Schema.decodeUnknownOption(Contract.ContractSpec);

const contractOf = (graph: Graph.Graph, name: string): Contract.ContractSpec | undefined => {
  const spec = decodeContract(graph.contracts[name]);
  return spec._tag === "Some" ? spec.value : undefined;
};

const triggerLines = ({ triggers = [] }: Graph.Graph, style: Style): ReadonlyArray<string> =>
  triggers.length === 0
    ? []
    : [
        "",
        style.bold("Triggers"),
        ...columns(triggers.map((spec) => [`  ${spec.name}`, triggerText(spec)])),
      ];
