/**
 * All operators by name: what each means, in both compilers side by side.
 */
import { lists } from "./operators/lists.ts";
import { logical } from "./operators/logic.ts";
import { numbers } from "./operators/numbers.ts";
import type { Operator } from "./operators/Operator.ts";
import { texts } from "./operators/text.ts";
import { times } from "./operators/times.ts";

const all = { ...numbers, ...logical, ...texts, ...times, ...lists };

/** The name of an operator. */
export type OperatorName = keyof typeof all;

/** See the module. */
export const operators: { readonly [name in OperatorName]: Operator } = all;

/** Their names. */
export const operatorNames: ReadonlyArray<OperatorName> = Object.keys(all).filter(
  (name): name is OperatorName => Object.hasOwn(all, name),
);
