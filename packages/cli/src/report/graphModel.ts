/** What the drawing of a graph consists of: nodes with their state, and edges with what flows. */
import type { Graph, Hook, Run } from "@ml-pipe/core";
import type { Box, Cluster, Link } from "./layout.ts";
import { type Mark, ofStage } from "./status.ts";
import { between, count, cut, list, ownName } from "./words.ts";

const nodeHeight = 54;
/** Height of a line of an edge's label. */
export const lineHeight = 15;
/** How far the sheets of a stack stand out. */
export const stackOffset = 6;
/** Width of a character: of the system font at 14 px (bold), at 12 px, and of the fixed-width font at 11 px. */
const characters = { name: 9, detail: 7, label: 6.7 };

/** `stack`: one stage for many items; `diamond`: where branches meet; `pill`: a person decides. */
export type Shape = "box" | "stack" | "diamond" | "pill";

/** A stage, or who is told. */
export interface Node extends Box {
  readonly name: string;
  readonly detail: string;
  readonly title: string;
  readonly mark: Mark;
  readonly shape: Shape;
}

/** What flows from stage to stage, which branch is taken when, or what feeds back. */
export interface Edge extends Link {
  readonly kind: "flow" | "branch" | "feedback";
  readonly lines: ReadonlyArray<string>;
  readonly title: string;
}

/** All of it. */
export interface Model {
  readonly nodes: ReadonlyArray<Node>;
  readonly edges: ReadonlyArray<Edge>;
  readonly clusters: ReadonlyArray<Cluster>;
}

/** The drawing of a run's graph. */
export const modelOf = (run: Run.Run): Model => ({
  nodes: [...run.graph.stages.map((stage) => stageNode(run, stage)), ...alertNodes(run.graph)],
  edges: [...flowEdges(run.graph), ...branchEdges(run.graph), ...feedbackEdges(run.graph)],
  clusters: clustersOf(run.graph),
});

/** The same for a phone, which has no room: only which branch is taken when, and what feeds back. */
export const compact = ({ nodes, edges }: Model): Model => ({
  nodes: nodes.map(({ id, name, title, mark, shape }) =>
    node({ id, name: cut(name, 16), detail: mark.word, mark, title, shape }),
  ),
  edges: edges.map((edge) =>
    edge.kind === "flow" ? { ...edge, lines: [], width: 0, height: 0 } : edge,
  ),
  clusters: [],
});

const stageNode = (run: Run.Run, stage: Graph.StageNode): Node => {
  const record = run.stages.find((record) => record.stage === stage.name);
  const mark = ofStage[record?.status ?? "not-reached"];
  const parent = clusterId(stage.group ?? []);
  return {
    ...node({
      id: stage.name,
      name: cut(ownName(stage), stage.kind === "choice" ? 18 : 28),
      detail: detailOf(stage, mark, record),
      mark,
      title: stage.description,
      shape: shapes[stage.kind ?? "stage"],
    }),
    ...(parent === undefined ? {} : { parent }),
  };
};

const shapes = { stage: "box", each: "stack", choice: "diamond", approval: "pill" } as const;

const ran = new Set<Run.StageStatus>(["running", "succeeded", "failed", "stopped", "interrupted"]);

const detailOf = (stage: Graph.StageNode, mark: Mark, record: Run.StageRun | undefined): string => {
  if (record === undefined) return mark.word;
  const { status, asks, items, rows, attempts, startedAt, endedAt } = record;
  if (stage.kind === "choice") {
    return status === "succeeded" ? (/"(.+)"/.exec(record.cacheNote)?.[1] ?? mark.word) : mark.word;
  }
  if (status === "suspended" && asks !== undefined) {
    return cut(`Waits for ${asks.approvers.join(" or ")}`, 36);
  }
  return [
    mark.word,
    endedAt !== undefined && ran.has(status) ? between(startedAt, endedAt) : undefined,
    items === undefined ? undefined : count(items.total, "item"),
    items === undefined || items.failed === 0 ? undefined : `${items.failed} failed`,
    rows === undefined ? undefined : count(rows, "row"),
    attempts === undefined ? undefined : count(attempts.length + 1, "attempt"),
  ]
    .filter((fact) => fact !== undefined)
    .join(" · ");
};

const node = (facts: Omit<Node, "width" | "height">): Node => ({ ...facts, ...sizeOf(facts) });

const sizeOf = ({ name, detail, shape }: Pick<Node, "name" | "detail" | "shape">) => {
  const [names, details] = [name.length * characters.name, detail.length * characters.detail];
  // Inside of a diamond there is less room, the further from its middle.
  if (shape === "diamond") {
    return { width: Math.ceil(Math.max(130, 30 + names / 0.8, 30 + details / 0.52)), height: 92 };
  }
  const width = Math.ceil(Math.max(130, 50 + names, 50 + details));
  if (shape === "stack") return { width: width + stackOffset, height: nodeHeight + stackOffset };
  return { width: shape === "pill" ? width + 16 : width, height: nodeHeight };
};

const clusterId = (group: ReadonlyArray<string>): string | undefined =>
  group.length === 0 ? undefined : `group:${group.join("/")}`;

/** Every sub-pipeline once, those inside of others after them. */
const clustersOf = ({ stages }: Graph.Graph): ReadonlyArray<Cluster> => {
  const clusters = new Map<string, Cluster>();
  for (const { group = [] } of stages) {
    for (const [depth, label] of group.entries()) {
      const id = clusterId(group.slice(0, depth + 1));
      const parent = clusterId(group.slice(0, depth));
      if (id !== undefined) {
        clusters.set(id, {
          id,
          label: cut(label, 40),
          ...(parent === undefined ? {} : { parent }),
        });
      }
    }
  }
  return [...clusters.values()];
};

/** Who is told, for hooks that cause no stage to run. */
export const alertId = "alert:owner";
const alertNodes = ({ feedback, charter }: Graph.Graph): ReadonlyArray<Node> =>
  feedback.some(({ to }) => to === undefined)
    ? [
        node({
          id: alertId,
          name: cut(charter.owner, 28),
          detail: "is told",
          mark: { icon: "bell", word: "Alert", tone: "quiet" },
          title: "the owner named in the charter",
          shape: "box",
        }),
      ]
    : [];

/** One edge from stage to stage, whatever the number of values that go that way. */
const flowEdges = (graph: Graph.Graph): ReadonlyArray<Edge> => {
  const edges = new Map<string, { from: string; to: string; kinds: Set<string> }>();
  for (const stage of graph.stages) {
    for (const { name, from, kind, contract } of stage.inputs) {
      const id = JSON.stringify([from.stage, stage.name]);
      const edge = edges.get(id) ?? { from: from.stage, to: stage.name, kinds: new Set() };
      edges.set(id, edge);
      const branch = stage.kind === "choice" && name !== "if" ? `${name}: ` : "";
      edge.kinds.add(`${branch}${kindOf(kind, contract)}`);
    }
  }
  return [...edges].map(([id, { from, to, kinds }]) => {
    const title = `${from} hands ${list([...kinds])} to ${to}`;
    return edge({ id, kind: "flow", from, to, title, upstream: false }, [...kinds]);
  });
};

/** The kind of value, with its contract if the kind does not name it. */
export const kindOf = (kind: string, contract: string | undefined): string =>
  contract === undefined || kind.includes(contract) ? kind : `${kind} (${contract})`;

/** From what decides to the first stages of each branch. */
const branchEdges = ({ stages }: Graph.Graph): ReadonlyArray<Edge> => {
  const branchOf = (name: string): string | undefined => {
    const last = stages.find((stage) => stage.name === name)?.when?.at(-1);
    return last === undefined ? undefined : JSON.stringify([last.choice, last.is]);
  };
  return stages.flatMap(({ name, when = [], inputs, kind }) => {
    const last = when.at(-1);
    if (last === undefined || kind === "choice") return [];
    const own = branchOf(name);
    if (inputs.some(({ from }) => branchOf(from.stage) === own)) return [];
    const { choice, from, is } = last;
    const taken = is ? "yes" : "no";
    const title = `${name} runs if ${from.stage} decides ${taken} (${choice})`;
    const id = JSON.stringify(["branch", choice, name]);
    const ends = { from: from.stage, to: name };
    return [edge({ id, kind: "branch", ...ends, title, upstream: false }, [`if ${taken}`])];
  });
};

const feedbackEdges = ({ feedback }: Graph.Graph): ReadonlyArray<Edge> =>
  feedback.map(({ from, signal, to, hook }, index) => {
    const title = `${signal} from ${from} may cause: ${hook.action}${to === undefined ? "" : ` ${to}`} (${armedWord(hook)})`;
    const upstream = to !== undefined && to !== from;
    const id = `feedback:${index}`;
    return edge({ id, kind: "feedback", from, to: to ?? alertId, title, upstream }, [
      `${signal} → ${hook.action}`,
      armedWord(hook),
    ]);
  });

/** `armed`, or `dry` for a hook that decides and records but does nothing. */
export const armedWord = ({ armed }: Hook.Hook): string => (armed ? "armed" : "dry");

const edge = (
  facts: Omit<Edge, "lines" | "width" | "height">,
  lines: ReadonlyArray<string>,
): Edge => {
  const shown = lines.map((line) => cut(line, 36));
  const longest = Math.max(0, ...shown.map((line) => line.length));
  return {
    ...facts,
    lines: shown,
    width: Math.ceil(longest * characters.label + 12),
    height: shown.length * lineHeight + 6,
  };
};
