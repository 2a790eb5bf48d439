/** The graph of a run as a drawing: stages with their state, what flows between them, and feedback. */
import type { Graph, Hook, Run } from "@ml-pipe/core";
import { html, type Html, join, nothing } from "./html.ts";
import { type Box, type Layout, layOut, type Link, type Point } from "./layout.ts";
import { type Mark, ofStage } from "./status.ts";
import { between, count, cut, list } from "./words.ts";

/** The widest drawing that fits a desktop page; wider ones are drawn from the top down. */
const page = 1040;
const nodeHeight = 54;
const lineHeight = 15;
/** Width of a character: of the system font at 14 px (bold), at 12 px, and of the fixed-width font at 11 px. */
const characters = { name: 9, detail: 7, label: 6.7 };

interface Node extends Box {
  readonly name: string;
  readonly detail: string;
  readonly title: string;
  readonly mark: Mark;
}

interface Edge extends Link {
  readonly lines: ReadonlyArray<string>;
  readonly title: string;
}

/** Draws the graph; nothing for a pipeline without stages. */
export const drawGraph = (run: Run.Run): Html => {
  if (run.graph.stages.length === 0) return nothing;
  const nodes = [
    ...run.graph.stages.map((stage) => stageNode(run, stage)),
    ...alertNodes(run.graph),
  ];
  const edges = [...flowEdges(run.graph), ...feedbackEdges(run.graph)];
  const across = layOut(nodes, edges, "LR");
  const whole = across.width <= page ? across : layOut(nodes, edges, "TB");
  // A phone has no room for labels: there, a second drawing shows the stages and what feeds back.
  const [fewer, bare] = [nodes.map(compactNode), edges.map(compactEdge)];
  return html`${draw(run, nodes, edges, whole, "graph-whole")}${draw(run, fewer, bare, layOut(fewer, bare, "TB"), "graph-compact")}`;
};

const compactNode = ({ id, name, title, mark }: Node): Node =>
  node(id, cut(name, 16), mark.word, mark, title);

const compactEdge = (whole: Edge): Edge =>
  isFeedback(whole) ? whole : { ...whole, lines: [], width: 0, height: 0 };

const stageNode = (run: Run.Run, stage: Graph.StageNode): Node => {
  const record = run.stages.find((record) => record.stage === stage.name);
  const mark = ofStage[record?.status ?? "not-reached"];
  const facts = [
    mark.word,
    record?.endedAt !== undefined && record.status !== "cached" && record.status !== "not-reached"
      ? between(record.startedAt, record.endedAt)
      : undefined,
    record?.rows === undefined ? undefined : count(record.rows, "row"),
  ].filter((fact) => fact !== undefined);
  return node(stage.name, cut(stage.name, 28), facts.join(" · "), mark, stage.description);
};

const node = (id: string, name: string, detail: string, mark: Mark, title: string): Node => ({
  id,
  name,
  detail,
  title,
  mark,
  height: nodeHeight,
  width: Math.ceil(
    Math.max(130, 50 + name.length * characters.name, 50 + detail.length * characters.detail),
  ),
});

/** Who is told, for hooks that cause no stage to run. */
const alertId = "alert:owner";
const alertNodes = ({ feedback, charter }: Graph.Graph): ReadonlyArray<Node> =>
  feedback.some(({ to }) => to === undefined)
    ? [
        node(
          alertId,
          cut(charter.owner, 28),
          "is told",
          { icon: "bell", word: "Alert", tone: "quiet" },
          "the owner named in the charter",
        ),
      ]
    : [];

/** One edge from stage to stage, whatever the number of values that go that way. */
const flowEdges = (graph: Graph.Graph): ReadonlyArray<Edge> => {
  const edges = new Map<string, { from: string; to: string; kinds: Set<string> }>();
  for (const stage of graph.stages) {
    for (const { from, kind, contract } of stage.inputs) {
      const id = JSON.stringify([from.stage, stage.name]);
      const edge = edges.get(id) ?? { from: from.stage, to: stage.name, kinds: new Set() };
      edges.set(id, edge);
      edge.kinds.add(kindOf(kind, contract));
    }
  }
  return [...edges].map(([id, { from, to, kinds }]) =>
    edge(id, from, to, [...kinds], `${from} hands ${list([...kinds])} to ${to}`, false),
  );
};

/** The kind of value, with its contract if the kind does not name it. */
export const kindOf = (kind: string, contract: string | undefined): string =>
  contract === undefined || kind.includes(contract) ? kind : `${kind} (${contract})`;

const feedbackEdges = ({ feedback }: Graph.Graph): ReadonlyArray<Edge> =>
  feedback.map(({ from, signal, to, hook }, index) => {
    const lines = [`${signal} → ${hook.action}`, armedWord(hook)];
    const title = `${signal} from ${from} may cause: ${hook.action}${to === undefined ? "" : ` ${to}`} (${armedWord(hook)})`;
    const id = `feedback:${index}`;
    return edge(id, from, to ?? alertId, lines, title, to !== undefined && to !== from);
  });

/** `armed`, or `dry` for a hook that decides and records but does nothing. */
export const armedWord = ({ armed }: Hook.Hook): string => (armed ? "armed" : "dry");

const edge = (
  id: string,
  from: string,
  to: string,
  lines: ReadonlyArray<string>,
  title: string,
  upstream: boolean,
): Edge => {
  const shown = lines.map((line) => cut(line, 36));
  const longest = Math.max(0, ...shown.map((line) => line.length));
  return {
    id,
    from,
    to,
    title,
    upstream,
    lines: shown,
    width: Math.ceil(longest * characters.label + 12),
    height: shown.length * lineHeight + 6,
  };
};

const draw = (
  run: Run.Run,
  nodes: ReadonlyArray<Node>,
  edges: ReadonlyArray<Edge>,
  layout: Layout,
  id: "graph-whole" | "graph-compact",
): Html => {
  const { width, height } = layout;
  const counts = count(run.graph.stages.length, "stage");
  const states = nodes.filter(({ id }) => id !== alertId);
  return html`<div
    class="scroll graph ${id === "graph-whole" ? "whole" : "compact"}"
    tabindex="0"
    role="group"
    aria-label="Graph of the pipeline"
  >
    <svg
      role="img"
      aria-labelledby="${id}-title ${id}-desc"
      viewBox="0 0 ${width} ${height}"
      width="${width}"
      height="${height}"
    >
      <title id="${id}-title">Graph of ${run.graph.pipeline}</title>
      <desc id="${id}-desc">
        ${counts}:
        ${states.map(({ name, mark }) => `${name} (${mark.word.toLowerCase()})`).join(", ")}.
        ${edges.map(({ title }) => title).join(". ")}.
      </desc>
      <defs>
        <marker
          id="${id}-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path class="arrowhead" d="M0.5 0.5L7.5 4L0.5 7.5z" />
        </marker>
        <marker
          id="${id}-arrow-back"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto"
        >
          <path class="arrowhead back" d="M0.5 0.5L7.5 4L0.5 7.5z" />
        </marker>
      </defs>
      ${edges.map((edge) => drawLine(edge, layout, id))}
      ${edges.map((edge) => drawLabel(edge, layout))}
      ${nodes.map((node) => drawNode(node, layout.boxes.get(node.id)))}
    </svg>
  </div>`;
};

const isFeedback = ({ id }: Edge): boolean => id.startsWith("feedback:");

const drawLine = (edge: Edge, layout: Layout, id: string): Html => {
  const route = layout.links.get(edge.id);
  if (route === undefined || route.points.length < 2) return nothing;
  const back = isFeedback(edge);
  return html`<path
    class="${back ? "edge back" : "edge"}"
    d="${pathOf(route.points)}"
    marker-end="url(#${id}-${back ? "arrow-back" : "arrow"})"
  />`;
};

/** A line that rounds its corners: straight to the middle of each section, curved around each bend. */
const pathOf = (points: ReadonlyArray<Point>): string => {
  const at = ({ x, y }: Point) => `${fixed(x)} ${fixed(y)}`;
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let path = `M${at(first)}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    path +=
      next === undefined
        ? `L${at(point)}`
        : index === 0
          ? `L${at(middle(first, point))}Q${at(point)} ${at(middle(point, next))}`
          : `Q${at(point)} ${at(middle(point, next))}`;
  });
  return path;
};

const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const fixed = (value: number): number => Math.round(value * 10) / 10;

const drawLabel = (edge: Edge, layout: Layout): Html => {
  const route = layout.links.get(edge.id);
  if (route === undefined || edge.lines.length === 0) return nothing;
  const { x, y } = route.label;
  const { width, height, lines } = edge;
  const top = y - ((lines.length - 1) * lineHeight) / 2;
  return html`<g class="${isFeedback(edge) ? "label back" : "label"}"
    ><title>${edge.title}</title
    ><rect
      x="${fixed(x - width / 2)}"
      y="${fixed(y - height / 2)}"
      width="${width}"
      height="${height}"
      rx="5"
    />${lines.map((line, index) => html`<text x="${fixed(x)}" y="${fixed(top + index * lineHeight)}" dy="0.34em">${line}</text>`)}</g
  >`;
};

const drawNode = (node: Node, centre: Point | undefined): Html => {
  if (centre === undefined) return nothing;
  const { width, height, mark, name, detail, title } = node;
  const [x, y] = [fixed(centre.x - width / 2), fixed(centre.y - height / 2)];
  return html`<g class="node ${mark.tone}" transform="translate(${x} ${y})"
    ><title>${join([name, title].filter(Boolean), ": ")} (${mark.word.toLowerCase()})</title
    ><rect width="${width}" height="${height}" rx="9" /><svg
      class="icon"
      x="13"
      y="12"
      width="15"
      height="15"
      viewBox="0 0 16 16"
    >
      <use href="#i-${mark.icon}" /></svg
    ><text class="name" x="36" y="24">${name}</text
    ><text class="detail" x="36" y="42">${detail}</text></g
  >`;
};
