/** The graph of a run as a drawing: stages with their state, what flows between them, and feedback. */
import type { Run } from "@ml-pipe/core";
import {
  alertId,
  compact,
  type Edge,
  lineHeight,
  type Model,
  modelOf,
  type Node,
  stackOffset,
} from "./graphModel.ts";
import { html, type Html, join, nothing } from "./html.ts";
import { type Area, type Layout, layOut, type Point } from "./layout.ts";
import { count, number } from "./words.ts";

/** The widest drawing that fits a desktop page; wider ones are drawn from the top down. */
const page = 1040;
/** More than this is a pattern, not a drawing, and takes long to lay out. */
const mostStages = 150;

/** Draws the graph; nothing for a pipeline without stages. */
export const drawGraph = (run: Run.Run): Html => {
  const { length } = run.graph.stages;
  if (length === 0) return nothing;
  if (length > mostStages) {
    return html`<p class="empty">
      ${number(length)} stages are too many to draw. The run record lists them.
    </p>`;
  }
  const whole = modelOf(run);
  const across = layOut(whole, "LR");
  const layout = across.width <= page ? across : layOut(whole, "TB");
  // A phone has no room for labels: there, a second drawing shows less.
  const fewer = compact(whole);
  return html`${draw(run, whole, layout, "graph-whole")}${draw(run, fewer, layOut(fewer, "TB"), "graph-compact")}`;
};

const draw = (
  run: Run.Run,
  { nodes, edges, clusters }: Model,
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
      ${clusters.map(({ id, label }) => drawCluster(label, layout.clusters.get(id)))}
      ${edges.map((edge) => drawLine(edge, nodes, layout, id))}
      ${edges.map((edge) => drawLabel(edge, layout))}
      ${nodes.map((node) => drawNode(node, layout.boxes.get(node.id)))}
    </svg>
  </div>`;
};

/** Room for the name of a sub-pipeline above its stages. */
const clusterHead = 18;
const clusterEdge = 6;

const drawCluster = (label: string, area: Area | undefined): Html => {
  if (area === undefined) return nothing;
  const [left, top] = [area.x - area.width / 2, area.y - area.height / 2];
  return html`<g class="cluster"
    ><rect
      x="${fixed(left - clusterEdge)}"
      y="${fixed(top - clusterHead)}"
      width="${fixed(area.width + 2 * clusterEdge)}"
      height="${fixed(area.height + clusterHead + clusterEdge)}"
      rx="12"
    /><text x="${fixed(left + 6)}" y="${fixed(top - 4)}">${label}</text></g
  >`;
};

const drawLine = (edge: Edge, nodes: ReadonlyArray<Node>, layout: Layout, id: string): Html => {
  const route = layout.links.get(edge.id);
  if (route === undefined || route.points.length < 2) return nothing;
  const end = (name: string) => {
    const node = nodes.find((node) => node.id === name);
    return node?.shape === "diamond" ? { ...node, ...layout.boxes.get(name) } : undefined;
  };
  const points = toDiamonds(route.points, end(edge.from), end(edge.to));
  const back = edge.kind === "feedback";
  return html`<path
    class="${{ flow: "edge", branch: "edge branch", feedback: "edge back" }[edge.kind]}"
    d="${pathOf(points)}"
    marker-end="url(#${id}-${back ? "arrow-back" : "arrow"})"
  />`;
};

type Diamond = Partial<Point> & { readonly width: number; readonly height: number };

/** Ends of lines lie on the boxes around diamonds: this moves them on to the diamonds. */
const toDiamonds = (
  points: ReadonlyArray<Point>,
  from: Diamond | undefined,
  to: Diamond | undefined,
): ReadonlyArray<Point> => {
  const moved = [...points];
  const last = moved.length - 1;
  moved[0] = onDiamond(moved[0], moved[1], from);
  moved[last] = onDiamond(moved[last], moved[last - 1], to);
  return moved;
};

const onDiamond = (
  end: Point = { x: 0, y: 0 },
  before: Point = end,
  diamond: Diamond | undefined,
): Point => {
  if (diamond?.x === undefined || diamond.y === undefined) return end;
  const [dx, dy] = [before.x - diamond.x, before.y - diamond.y];
  const far = Math.abs(dx) / (diamond.width / 2) + Math.abs(dy) / (diamond.height / 2);
  return far === 0 ? end : { x: diamond.x + dx / far, y: diamond.y + dy / far };
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
  return html`<g class="${edge.kind === "feedback" ? "label back" : "label"}"
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
  const { width, height, mark, name, detail, title, shape } = node;
  const [x, y] = [fixed(centre.x - width / 2), fixed(centre.y - height / 2)];
  const said = html`<title>
    ${join([name, title].filter(Boolean), ": ")} (${mark.word.toLowerCase()})
  </title>`;
  if (shape === "diamond") {
    const [right, down] = [width / 2, height / 2];
    const points = `0,${down} ${right},0 ${width},${down} ${right},${height}`;
    return html`<g class="node diamond ${mark.tone}" transform="translate(${x} ${y})"
      >${said}<polygon class="shape" points="${points}" />${drawIcon(node, right - 7, 14)}<text
        class="name"
        x="${fixed(right)}"
        y="${fixed(down + 4)}"
        >${name}</text
      ><text class="detail" x="${fixed(right)}" y="${fixed(down + 21)}">${detail}</text></g
    >`;
  }
  const stacked = shape === "stack" ? stackOffset : 0;
  const [w, h] = [width - stacked, height - stacked];
  const sheet = (offset: number) =>
    html`<rect
      class="sheet"
      x="${offset}"
      y="${stacked - offset}"
      width="${w}"
      height="${h}"
      rx="9"
    />`;
  const inset = shape === "pill" ? 8 : 0;
  return html`<g class="node ${mark.tone}" transform="translate(${x} ${y})"
    >${said}${shape === "stack" && [sheet(stacked), sheet(stacked / 2)]}<rect
      class="shape"
      y="${stacked}"
      width="${w}"
      height="${h}"
      rx="${shape === "pill" ? h / 2 : 9}"
    />${drawIcon(node, 13 + inset, 12 + stacked)}<text
      class="name"
      x="${36 + inset}"
      y="${24 + stacked}"
      >${name}</text
    ><text class="detail" x="${36 + inset}" y="${42 + stacked}">${detail}</text></g
  >`;
};

const drawIcon = ({ mark }: Node, x: number, y: number): Html =>
  html`<svg class="icon" x="${fixed(x)}" y="${fixed(y)}" width="15" height="15" viewBox="0 0 16 16">
    <use href="#i-${mark.icon}" />
  </svg>`;
