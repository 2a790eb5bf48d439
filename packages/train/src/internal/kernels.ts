/**
 * The inner loops of tree growing, as a WebAssembly module over the team's shared memory.
 *
 * A histogram bin is two int64: the sum of fixed-point gradients, and the sum of fixed-point
 * hessians with the row count above it (`fixedPoint.ts`). One 128-bit addition per row and feature
 * updates all three. Integer sums do not depend on their order, so neither the number of threads nor
 * taking a child's histogram as "parent minus sibling" can change a bit of the model.
 *
 * Addresses are bytes in the memory; lengths are numbers of rows or bins and must be positive.
 */
import * as w from "./wasm.ts";

/** The kernels, typed as they are assembled below. */
export interface Kernels {
  /** Adds rows `0..rows` in order: bin `bins[i]`, gradient pair `pairs[i]`. `one` is a row count of 1. */
  readonly histogramAll: (
    bins: number,
    pairs: number,
    rows: number,
    histogram: number,
    one: bigint,
  ) => void;
  /** Adds the rows `index[0..rows]`; `pairs` is in the order of `index`. */
  readonly histogramOf: (
    bins: number,
    index: number,
    pairs: number,
    rows: number,
    histogram: number,
    one: bigint,
  ) => void;
  /** `target -= other`, bin by bin. */
  readonly subtract: (target: number, other: number, bins: number) => void;
  /** `out[i] = pairs[index[i]]`. */
  readonly gather: (pairs: number, index: number, rows: number, out: number) => void;
  /** How many rows of `index` have a bin for which the 256-byte table `goesLeft` holds 1. */
  readonly countLeft: (bins: number, goesLeft: number, index: number, rows: number) => number;
  /** Writes the rows of `index` in order to `left` or `right`, as `goesLeft` says. */
  readonly partition: (
    bins: number,
    goesLeft: number,
    index: number,
    rows: number,
    left: number,
    right: number,
  ) => void;
}

/** Bytes of one histogram bin. */
export const binBytes = 16;
/** 4 GiB: the most that 32-bit addresses reach. */
export const maximumPages = 65536;

const { i32, i64, v128, code, get, set, tee, constant } = w;

/** Leaves `local << bits` on the stack. */
const shifted = (local: number, bits: number) => code(get(local), constant(bits), w.shiftLeft);
/** `local += bytes`. */
const advance = (local: number, bytes: number) =>
  code(get(local), constant(bytes), w.add, set(local));
/** Loops while the moving pointer is below `end`. */
const until = (pointer: number, end: number, body: ReadonlyArray<number>) =>
  w.repeat(code(body, get(pointer), get(end), w.lessThan));
/** Leaves `bins[row]` on the stack, `row` being what the code leaves. */
const binOf = (bins: number, row: ReadonlyArray<number>) => code(get(bins), row, w.add, w.load8);
const indexed = (index: number) => code(get(index), w.load32);

/** Adds the pair under `pairs` to the bin on the stack. */
const addToBin = (histogram: number, bin: number, pairs: number, one: number) =>
  code(
    constant(4),
    w.shiftLeft,
    get(histogram),
    w.add,
    tee(bin),
    get(bin),
    w.v128Load,
    get(pairs),
    w.v128Load32x2,
    get(one),
    w.i64x2Add,
    w.i64x2Add,
    w.v128Store,
  );

const functions: ReadonlyArray<w.WasmFunction & { readonly name: keyof Kernels }> = [
  {
    name: "histogramAll",
    // 0 bins, 1 pairs, 2 rows, 3 histogram, 4 one | 5 bin, 6 end, 7 count of one as a vector
    parameters: [i32, i32, i32, i32, i64],
    locals: [i32, i32, v128],
    body: code(
      code(get(0), get(2), w.add, set(6)),
      code(w.i64x2Zero, get(4), w.i64x2SetSecond, set(7)),
      until(0, 6, code(get(0), w.load8, addToBin(3, 5, 1, 7), advance(0, 1), advance(1, 8))),
    ),
  },
  {
    name: "histogramOf",
    // 0 bins, 1 index, 2 pairs, 3 rows, 4 histogram, 5 one | 6 bin, 7 end, 8 one as a vector
    parameters: [i32, i32, i32, i32, i32, i64],
    locals: [i32, i32, v128],
    body: code(
      code(get(1), shifted(3, 2), w.add, set(7)),
      code(w.i64x2Zero, get(5), w.i64x2SetSecond, set(8)),
      until(1, 7, code(binOf(0, indexed(1)), addToBin(4, 6, 2, 8), advance(1, 4), advance(2, 8))),
    ),
  },
  {
    name: "subtract",
    // 0 target, 1 other, 2 bins | 3 end
    parameters: [i32, i32, i32],
    locals: [i32],
    body: code(
      code(get(0), shifted(2, 4), w.add, set(3)),
      until(
        0,
        3,
        code(
          code(get(0), get(0), w.v128Load, get(1), w.v128Load, w.i64x2Subtract, w.v128Store),
          code(advance(0, 16), advance(1, 16)),
        ),
      ),
    ),
  },
  {
    name: "gather",
    // 0 pairs, 1 index, 2 rows, 3 out | 4 end
    parameters: [i32, i32, i32, i32],
    locals: [i32],
    body: code(
      code(get(1), shifted(2, 2), w.add, set(4)),
      until(
        1,
        4,
        code(
          code(get(3), get(0), indexed(1), constant(3), w.shiftLeft, w.add, w.load64, w.store64),
          code(advance(1, 4), advance(3, 8)),
        ),
      ),
    ),
  },
  {
    name: "countLeft",
    // 0 bins, 1 goesLeft, 2 index, 3 rows | 4 end, 5 count
    parameters: [i32, i32, i32, i32],
    result: i32,
    locals: [i32, i32],
    body: code(
      code(get(2), shifted(3, 2), w.add, set(4)),
      until(
        2,
        4,
        code(
          code(get(1), binOf(0, indexed(2)), w.add, w.load8, get(5), w.add, set(5)),
          advance(2, 4),
        ),
      ),
      get(5),
    ),
  },
  {
    name: "partition",
    // 0 bins, 1 goesLeft, 2 index, 3 rows, 4 left, 5 right | 6 end, 7 row, 8 four if left
    parameters: [i32, i32, i32, i32, i32, i32],
    locals: [i32, i32, i32],
    body: code(
      code(get(2), shifted(3, 2), w.add, set(6)),
      until(
        2,
        6,
        code(
          code(
            get(1),
            binOf(0, code(indexed(2), tee(7))),
            w.add,
            w.load8,
            constant(2),
            w.shiftLeft,
            set(8),
          ),
          code(get(4), get(5), get(8), w.select, get(7), w.store32),
          code(get(4), get(8), w.add, set(4)),
          code(get(5), constant(4), w.add, get(8), w.subtract, set(5)),
          advance(2, 4),
        ),
      ),
    ),
  },
];

/** The shared linear memory. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}
/** A compiled module; may be posted to other threads. */
export interface CompiledModule {
  readonly "~compiled"?: never;
}

// Node's typings have no WebAssembly. These are the three constructors used here, with the exports
// typed as the functions assembled above.
declare const WebAssembly: {
  readonly Memory: new (descriptor: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array) => CompiledModule;
  readonly Instance: new (
    module: CompiledModule,
    imports: { readonly env: { readonly memory: SharedMemory } },
  ) => { readonly exports: Kernels };
};

/** Reserves zeroed shared memory; pages cost nothing until they are touched. */
export const makeMemory = (bytes: number): SharedMemory => {
  const pages = Math.ceil(bytes / 65536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
};

/** Compiles the kernels once; threads share the machine code. */
export const compileKernels = (): CompiledModule => new WebAssembly.Module(assembleKernels());

/** The module's bytes. */
export const assembleKernels = (): Uint8Array => w.assemble(functions, maximumPages);

/** Binds the kernels to the memory. */
export const makeKernels = (module: CompiledModule, memory: SharedMemory): Kernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports;
