/**
 * A very small WebAssembly assembler: enough to write the five inner loops of `kernels.ts` as named
 * instructions instead of opaque bytes. Opcodes: WebAssembly Core Specification 2.0, section 5.4.
 */

type Code = ReadonlyArray<number>;

const unsigned = (value: number): Code => {
  const bytes: Array<number> = [];
  let rest = value;
  do {
    bytes.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
};

const vector = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const text = (value: string): Code => vector([...new TextEncoder().encode(value)].map((b) => [b]));

/** Joins instructions. */
export const code = (...parts: ReadonlyArray<Code>): Code => parts.flat();

export const i32 = 0x7f;
export const i64 = 0x7e;
export const v128 = 0x7b;

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const tee = (local: number): Code => [0x22, ...unsigned(local)];
/** A constant in 0..63: those have the same one-byte form signed and unsigned. */
export const constant = (value: number): Code => [0x41, value];
export const load32: Code = [0x28, 2, 0];
export const load8: Code = [0x2d, 0, 0];
export const load64: Code = [0x29, 3, 0];
export const store32: Code = [0x36, 2, 0];
export const store64: Code = [0x37, 3, 0];
export const add: Code = [0x6a];
export const subtract: Code = [0x6b];
export const shiftLeft: Code = [0x74];
export const lessThan: Code = [0x49];
/** `first, second, condition → condition ? first : second`. */
export const select: Code = [0x1b];
/** Runs `body` again while the condition it leaves is not zero. */
export const repeat = (body: Code): Code => [0x03, 0x40, ...body, 0x0d, 0, 0x0b];

export const v128Load: Code = [0xfd, 0x00, 4, 0];
export const v128Store: Code = [0xfd, 0x0b, 4, 0];
/** Loads two int32 and widens them to two int64. */
export const v128Load32x2: Code = [0xfd, 0x05, 3, 0];
export const i64x2Add: Code = [0xfd, 0xce, 0x01];
export const i64x2Subtract: Code = [0xfd, 0xd1, 0x01];
export const i64x2Zero: Code = [0x42, 0, 0xfd, 0x12];
/** Replaces the second lane by the int64 on the stack. */
export const i64x2SetSecond: Code = [0xfd, 0x1e, 1];

/** One exported function; locals are numbered after the parameters. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: ReadonlyArray<number>;
  readonly result?: number;
  readonly locals: ReadonlyArray<number>;
  readonly body: Code;
}

/** `\0asm`, version 1. */
const header: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** Encodes a module that imports one shared memory `env.memory` and exports `functions`. */
export const assemble = (
  functions: ReadonlyArray<WasmFunction>,
  maximumPages: number,
): Uint8Array<ArrayBuffer> =>
  new Uint8Array([
    ...header,
    ...section(
      1,
      vector(
        functions.map((f) => [
          0x60,
          ...vector(f.parameters.map((type) => [type])),
          ...vector(f.result === undefined ? [] : [[f.result]]),
        ]),
      ),
    ),
    ...section(
      2,
      vector([
        [...text("env"), ...text("memory"), 2, 3, ...unsigned(1), ...unsigned(maximumPages)],
      ]),
    ),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map((f, index) => [...text(f.name), 0, ...unsigned(index)]))),
    ...section(
      10,
      vector(
        functions.map((f) => {
          const locals = vector(f.locals.map((type) => [1, type]));
          const body = [...locals, ...f.body, 0x0b];
          return [...unsigned(body.length), ...body];
        }),
      ),
    ),
  ]);
