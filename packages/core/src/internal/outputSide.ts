/** The two ways to define what a stage gives, as types: one `output`, or several `outputs` by name. */
import type * as Schema from "effect/Schema";
import type { Fields, Ports } from "../stage/make.ts";

/** The types of some schemas. */
export type TypesOf<F extends Fields> = { readonly [K in keyof F]: F[K]["Type"] };

/** One of the two. */
export type OutputSide<T, O extends Fields> =
  | { readonly output: Schema.ConstraintCodec<T, unknown>; readonly outputs?: never }
  | { readonly outputs: O; readonly output?: never };

/** The type of a stage's output; of several, their {@link Ports}. */
export type OutOf<T, O extends Fields> = [O] extends [never] ? T : Ports<TypesOf<O>>;
