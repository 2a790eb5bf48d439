/**
 * The compiler of expressions for one row: a list of steps over numbered slots. What expressions share is
 * computed once a row, what is constant once and for all; no value is boxed between steps.
 */
import type { Ast, HistoryAst } from "../Expr.ts";
import type { ColumnAst } from "./ast.ts";
import { argumentKinds, heldBy, kindOf } from "./kinds.ts";
import { operators } from "./operators.ts";
import { type Cell, isMissing, type Kind, type OtherCell } from "./operators/Operator.ts";

/** A decoded request, or a row: a value for each column; instants are `Date`s. */
export type Request = { readonly [column: string]: unknown };

/** Looks a history up for one row; null if it has no value. */
export type LookUp = (history: HistoryAst) => (row: Request) => number | null;

/** The cells of a looked-up row, as JSON has them: instants in milliseconds, yes and no as 1 and 0. */
export type FoundCells = ReadonlyArray<unknown>;

/** Finds the row of a lookup. */
export interface RowFinder {
  /** The columns whose cells it finds. */
  readonly columns: ReadonlyArray<Ast>;
  readonly find: (row: Request) => FoundCells | undefined;
}

/** What beside the row decides about a program. */
export interface ProgramOptions {
  /** Without it, what is looked up is missing. */
  readonly lookup?: (name: string) => RowFinder | undefined;
  /** Without it, histories are missing. */
  readonly history?: LookUp;
  /** Columns whose numbers are handed over with each row, in this order. */
  readonly given?: ReadonlyArray<string>;
}

/**
 * Compiles numbers, instants and yes/no for one row: a closure that gives their values, NaN for what is
 * missing.
 */
export const toNumbers = (
  expressions: ReadonlyArray<Ast>,
  options: ProgramOptions = {},
): ((row: Request, given?: Float64Array) => Float64Array) => {
  const program = new Program(options);
  const outputs = Int32Array.from(expressions, (ast) => program.slotOf(ast, "number").at);
  const run = program.compile();
  const allocate = arraysOf(outputs.length);
  return (row, given) => {
    const { numbers } = run(row, given);
    const values = allocate();
    for (let index = 0; index < outputs.length; index++) {
      values[index] = numbers[outputs[index] ?? 0] ?? Number.NaN;
    }
    return values;
  };
};

/** Compiles expressions of any kind for one row: a closure that gives their values. */
export const toCells = (
  expressions: ReadonlyArray<Ast>,
  options: ProgramOptions = {},
): ((row: Request, given?: Float64Array) => ReadonlyArray<Cell>) => {
  const program = new Program(options);
  const outputs = expressions.map((ast) => program.slotOf(ast, kindOf(ast)));
  const run = program.compile();
  return (row, given) => {
    const { numbers, others } = run(row, given);
    return outputs.map(({ bank, at }) =>
      bank === "numbers" ? (numbers[at] ?? Number.NaN) : (others[at] ?? null),
    );
  };
};

/** {@link toCells} of one expression. */
export const toCell = (ast: Ast, options: ProgramOptions = {}): ((row: Request) => Cell) => {
  const values = toCells([ast], options);
  return (row) => values(row)[0] ?? null;
};

/**
 * Allocates arrays of one length, some at a time in one buffer: one by one, each that is longer than 64
 * bytes would have memory of its own outside the heap, which takes longer than to compute its values.
 */
const arraysOf = (length: number): (() => Float64Array) => {
  const bytes = length * Float64Array.BYTES_PER_ELEMENT;
  const end = bytes * 64;
  let [buffer, next] = [new ArrayBuffer(0), end];
  return () => {
    if (next >= end) [buffer, next] = [new ArrayBuffer(end), 0];
    next += bytes;
    return new Float64Array(buffer, next - bytes, length);
  };
};

/** Where the values of one row stand while it is computed. */
interface Slots {
  readonly numbers: Float64Array;
  readonly others: Array<OtherCell>;
}

/** The place of a value: numbers, instants and yes/no in one bank, everything else in the other. */
interface Slot {
  readonly bank: keyof Slots;
  readonly at: number;
  readonly constant?: Cell;
}

/** The row that a lookup found for the row that is computed. */
interface FoundRow {
  readonly columns: ReadonlyArray<Ast>;
  cells: FoundCells | undefined;
}

type Step = (numbers: Float64Array, others: Array<OtherCell>, row: Request) => void;

class Program {
  private readonly steps: Array<Step> = [];
  /** What stands in the slots before the first step: the constants. */
  private readonly numbers: Array<number> = [];
  private readonly others: Array<OtherCell> = [];
  private readonly slots = new Map<string, Slot>();
  private readonly history: LookUp | undefined;
  private readonly lookup: ProgramOptions["lookup"];
  /** The rows that lookups found, each once a row. */
  private readonly found = new Map<string, FoundRow | undefined>();
  private readonly given: number;

  constructor({ history, lookup, given = [] }: ProgramOptions) {
    this.history = history;
    this.lookup = lookup;
    this.given = given.length;
    for (const name of given) this.slots.set(`given ${name}`, this.slot(Number.NaN));
  }

  /** The slot of an expression's value, where one of a kind is wanted. */
  slotOf(ast: Ast, wanted: Kind): Slot {
    if (kindOf(ast) === "null") return this.constant(missingOf(wanted));
    const given =
      ast._tag === "column" && ast.path === undefined && ast.of === undefined
        ? this.slots.get(`given ${ast.name}`)
        : undefined;
    if (given !== undefined) return given;
    const name = JSON.stringify(ast);
    const slot = this.slots.get(name) ?? this.add(ast);
    this.slots.set(name, slot);
    return slot;
  }

  compile(): (row: Request, given?: Float64Array) => Slots {
    const { steps, given: count } = this;
    const numbers = Float64Array.from(this.numbers);
    const others = [...this.others];
    const slots = { numbers, others };
    return (row, given) => {
      for (let index = 0; index < count; index++) numbers[index] = given?.[index] ?? Number.NaN;
      for (let index = 0; index < steps.length; index++) steps[index]?.(numbers, others, row);
      return slots;
    };
  }

  private add(ast: Ast): Slot {
    switch (ast._tag) {
      case "literal":
        return this.constant(typeof ast.value === "boolean" ? Number(ast.value) : ast.value);
      case "column": {
        const slot = this.slot(missingOf(kindOf(ast)));
        if (ast.of === undefined) this.steps.push(readStep(ast, slot.at));
        else this.readFound(ast.of, ast, slot);
        return slot;
      }
      case "history": {
        const { at } = this.slot(Number.NaN);
        const lookUp = this.history?.(ast);
        if (lookUp !== undefined) {
          this.steps.push((numbers, _, row) => {
            numbers[at] = lookUp(row) ?? Number.NaN;
          });
        }
        return { bank: "numbers", at };
      }
      case "call": {
        const { js, nulls = false } = operators[ast.operator];
        const kinds = argumentKinds(ast);
        const args = ast.args.map((arg, index) => this.slotOf(arg, kinds[index] ?? "null"));
        // The table of operators pairs each closure with its own argument types.
        const apply = js(ast.params ?? []) as (...args: ReadonlyArray<Cell>) => Cell;
        const missing = missingOf(kindOf(ast));
        const constants = args.flatMap(({ constant }) =>
          constant === undefined ? [] : [constant],
        );
        if (constants.length === args.length) {
          return this.constant(!nulls && constants.some(isMissing) ? missing : apply(...constants));
        }
        const slot = this.slot(missing);
        this.steps.push(callStep(apply, nulls, args, slot));
        return slot;
      }
    }
  }

  /** Reads a cell of a looked-up row, which is found by the first that reads one. */
  private readFound(lookup: string, ast: Ast, { bank, at }: Slot): void {
    if (!this.found.has(lookup)) {
      const finder = this.lookup?.(lookup);
      const row: FoundRow | undefined =
        finder === undefined ? undefined : { columns: finder.columns, cells: undefined };
      this.found.set(lookup, row);
      if (finder !== undefined && row !== undefined) {
        this.steps.push((_, __, request) => {
          row.cells = finder.find(request);
        });
      }
    }
    const row = this.found.get(lookup);
    const name = JSON.stringify(ast);
    const place = row?.columns.findIndex((one) => JSON.stringify(one) === name) ?? -1;
    if (row === undefined || place < 0) return;
    this.steps.push(
      bank === "numbers"
        ? (numbers) => {
            const cell = row.cells?.[place];
            numbers[at] = typeof cell === "number" ? cell : Number.NaN;
          }
        : (_, others) => {
            const cell = row.cells?.[place];
            others[at] = Array.isArray(cell) ? cell.map(itemOf) : textOf(cell);
          },
    );
  }

  private constant(value: Cell): Slot {
    return { ...this.slot(value), constant: value };
  }

  private slot(initial: Cell): Slot {
    if (typeof initial === "number") {
      return { bank: "numbers", at: this.numbers.push(initial) - 1 };
    }
    return { bank: "others", at: this.others.push(initial) - 1 };
  }
}

const missingOf = (kind: Kind): Cell => (kind === "text" || kind === "list" ? null : Number.NaN);

/** Reads a column. What is not of its type is missing, and so is a number that is not finite. */
const readStep = (column: ColumnAst, to: number): Step => {
  const { name, type, path } = column;
  switch (type) {
    case "string":
      return (_, others, row) => {
        others[to] = textOf(path === undefined ? row[name] : inside(row[name], path));
      };
    case "list":
    case "embedding": {
      const held = heldBy(column);
      const item: (value: unknown) => number | string | null =
        held === "string" ? textOf : numberReaders[held];
      return (_, others, row) => {
        const list = path === undefined ? row[name] : inside(row[name], path);
        others[to] = Array.isArray(list) ? list.map((one) => item(one)) : null;
      };
    }
    default: {
      const read = numberReaders[type];
      return (numbers, _, row) => {
        numbers[to] = read(path === undefined ? row[name] : inside(row[name], path));
      };
    }
  }
};

/** A part of a value; `undefined` where there is none. */
const inside = (value: unknown, path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>(
    (found, step) =>
      typeof found === "object" && found !== null && Object.hasOwn(found, step)
        ? Reflect.get(found, step)
        : undefined,
    value,
  );

const finiteOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) ? value : Number.NaN;
const itemOf = (value: unknown): number | string | null =>
  typeof value === "number" || typeof value === "string" ? value : null;
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** How what becomes a number is read, by type. */
const numberReaders = {
  int: finiteOf,
  float: finiteOf,
  boolean: (value: unknown) => (value === true ? 1 : value === false ? 0 : Number.NaN),
  timestamp: (value: unknown) => (value instanceof Date ? value.getTime() : Number.NaN),
};

type Apply = (...args: ReadonlyArray<Cell>) => Cell;

/** One step each for the common shapes, so that numbers go from slot to slot without a detour. */
const callStep = (apply: Apply, nulls: boolean, args: ReadonlyArray<Slot>, out: Slot): Step => {
  const to = out.at;
  const [x = 0, y = 0] = args.map(({ at }) => at);
  const shape = `${args.map(({ bank }) => bank).join(" ")} to ${out.bank}`;
  switch (shape) {
    case "numbers to numbers":
      return (numbers) => {
        const a = numbers[x] ?? Number.NaN;
        numbers[to] = nulls || !Number.isNaN(a) ? numberOf(apply(a)) : Number.NaN;
      };
    case "numbers numbers to numbers":
      return (numbers) => {
        const [a, b] = [numbers[x] ?? Number.NaN, numbers[y] ?? Number.NaN];
        const there = nulls || !(Number.isNaN(a) || Number.isNaN(b));
        numbers[to] = there ? numberOf(apply(a, b)) : Number.NaN;
      };
    case "others to numbers":
      return (numbers, others) => {
        const a = others[x] ?? null;
        numbers[to] = nulls || a !== null ? numberOf(apply(a)) : Number.NaN;
      };
    case "others others to numbers":
      return (numbers, others) => {
        const [a, b] = [others[x] ?? null, others[y] ?? null];
        numbers[to] = nulls || (a !== null && b !== null) ? numberOf(apply(a, b)) : Number.NaN;
      };
    case "others to others":
      return (_, others) => {
        const a = others[x] ?? null;
        others[to] = nulls || a !== null ? otherOf(apply(a)) : null;
      };
  }
  const read = (numbers: Float64Array, others: ReadonlyArray<OtherCell>) =>
    args.map(({ bank, at }) =>
      bank === "numbers" ? (numbers[at] ?? Number.NaN) : (others[at] ?? null),
    );
  const value = (cells: ReadonlyArray<Cell>) =>
    !nulls && cells.some(isMissing) ? null : apply(...cells);
  return out.bank === "numbers"
    ? (numbers, others) => {
        numbers[to] = numberOf(value(read(numbers, others)));
      }
    : (numbers, others) => {
        others[to] = otherOf(value(read(numbers, others)));
      };
};

const numberOf = (value: Cell): number => (typeof value === "number" ? value : Number.NaN);
const otherOf = (value: Cell): OtherCell => (typeof value === "number" ? null : value);
