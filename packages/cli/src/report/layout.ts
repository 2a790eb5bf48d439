/** Where the stages of a graph and the edges between them go. */
import * as dagre from "@dagrejs/dagre";

/** A box to place. */
export interface Box {
  readonly id: string;
  /** The cluster that it is in. */
  readonly parent?: string;
  readonly width: number;
  readonly height: number;
}

/** Boxes that belong together. */
export interface Cluster {
  readonly id: string;
  readonly label: string;
  /** The cluster that it is in, which is listed before. */
  readonly parent?: string;
}

/** A connection to route. `upstream` runs against the flow: it does not decide what is above what. */
export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly width: number;
  readonly height: number;
  readonly upstream: boolean;
}

/** A point in the drawing. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle around a point. */
export interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

/** The result: centres of boxes and of labels, and lines from source to target. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Point>;
  readonly clusters: ReadonlyMap<string, Area>;
  readonly links: ReadonlyMap<
    string,
    { readonly label: Point; readonly points: ReadonlyArray<Point> }
  >;
}

/** From left to right, or from the top down. */
export type Direction = "LR" | "TB";

const margin = 8;
/** Clusters are drawn a little larger than dagre makes them, for their names. */
const clusterMargin = 26;

/** Lays a graph out with dagre's layered algorithm (Gansner et al. 1993). */
export const layOut = (
  {
    nodes: boxes,
    edges: links,
    clusters,
  }: {
    readonly nodes: ReadonlyArray<Box>;
    readonly edges: ReadonlyArray<Link>;
    readonly clusters: ReadonlyArray<Cluster>;
  },
  direction: Direction,
): Layout => {
  const graph = new dagre.Graph<dagre.GraphLabel, dagre.NodeLabel, dagre.EdgeLabel>({
    multigraph: true,
    compound: clusters.length > 0,
  });
  graph.setGraph({
    rankdir: direction,
    nodesep: 28,
    edgesep: 20,
    ranksep: 26,
    marginx: clusters.length === 0 ? margin : clusterMargin,
    marginy: clusters.length === 0 ? margin : clusterMargin,
  });
  for (const { id } of clusters) graph.setNode(id, { width: 0, height: 0 });
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const { id, parent } of [...clusters, ...boxes]) {
    if (parent !== undefined) graph.setParent(id, parent);
  }
  const known = links.filter(({ from, to }) => graph.hasNode(from) && graph.hasNode(to));
  for (const link of known) {
    const { width, height } = link;
    // dagre moves a label half of its width aside to keep it off the line; ours sits on the line.
    graph.setEdge(...ends(link), { width, height, labelpos: "c" }, link.id);
  }
  dagre.layout(graph);
  return {
    ...sizeOf(graph.graph()),
    boxes: new Map(boxes.map(({ id }) => [id, pointOf(graph.node(id))])),
    clusters: new Map(
      clusters.map(({ id }) => [id, { ...pointOf(graph.node(id)), ...sizeOf(graph.node(id)) }]),
    ),
    links: new Map(
      known.map((link) => {
        const edge = graph.edge(...ends(link), link.id);
        const points = edge.points ?? [];
        return [
          link.id,
          { label: pointOf(edge), points: link.upstream ? points.toReversed() : points },
        ];
      }),
    ),
  };
};

const ends = ({ from, to, upstream }: Link): [string, string] =>
  upstream ? [to, from] : [from, to];

const pointOf = ({ x, y }: { readonly x?: number; readonly y?: number }): Point => ({
  x: x ?? 0,
  y: y ?? 0,
});

const sizeOf = ({ width, height }: { readonly width?: number; readonly height?: number }) => ({
  width: Math.ceil(width ?? 0),
  height: Math.ceil(height ?? 0),
});
