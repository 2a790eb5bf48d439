/** What a node of the graph may see of those before it: shared by running and planning. */
import type { GraphNode } from "./builder.ts";
import type { Source } from "../Ref.ts";
import type { Value, Values } from "./outputs.ts";

/** The value that a source points at, if its node has one. */
export const valueAt = (values: Values | undefined, { port }: Source): Value | undefined =>
  values?.[port ?? ""];

/** The source of the branch that a choice takes. */
export const takenBranch = (node: GraphNode, condition: Value): Source | undefined =>
  node.inputs[condition.value === true ? "yes" : "no"];

/** The values of a choice: those of the branch that was taken, as they are. */
export const choiceValues = (value: Value): Values => ({ "": value });
