/** How large the numbers of an expression can be: where no result can overflow, SQL need not check. */
import type { Ast } from "./ast.ts";

/** Whole numbers in a file have 64 bits. */
const largestInt = 2 ** 63;

/** An upper bound of the absolute value of an expression's results; infinite if none is known. */
export const magnitude = (ast: Ast): number => {
  switch (ast._tag) {
    case "literal":
      return typeof ast.value === "number" ? Math.abs(ast.value) : 1;
    case "column":
      return ast.type === "float" ? Number.MAX_VALUE : largestInt;
    case "history":
      return Number.MAX_VALUE;
    case "call":
      return ofCall(ast);
  }
};

const ofCall = (call: Extract<Ast, { _tag: "call" }>): number => {
  const [a = 0, b = 0] = call.args.map(magnitude);
  switch (call.operator) {
    case "add":
    case "subtract":
      return a + b;
    case "multiply":
      return a * b;
    case "divide": {
      const [, by] = call.args;
      return by?._tag === "literal" && typeof by.value === "number" && by.value !== 0
        ? a / Math.abs(by.value)
        : Infinity;
    }
    case "roundTo": {
      const [step] = call.params ?? [];
      return (a / Number(step)) * Number(step) + Number(step);
    }
    case "negate":
    case "abs":
      return a;
    case "floor":
    case "ceil":
    case "trunc":
    case "round":
    case "sqrt":
      return a + 1;
    case "min":
    case "max":
    case "orElse":
      return Math.max(a, b);
    case "choose":
      return Math.max(...call.args.slice(1).map(magnitude));
    case "bucket":
    case "sign":
    case "toNumber":
    case "length":
    case "hashBucket":
    case "year":
    case "quarter":
    case "month":
    case "isoWeek":
    case "dayOfYear":
    case "dayOfMonth":
    case "dayOfWeek":
    case "hourOfDay":
    case "minuteOfDay":
      return largestInt;
    default:
      return Infinity;
  }
};
