/**
 * References: what a stage returns while a pipeline is being described. A reference stands for a
 * value that will exist when the pipeline runs; its type carries the value, and every error and
 * service of the stages it depends on.
 */
import type * as Types from "effect/Types";

/** Which node, and which of its named outputs, a reference points at. */
export interface Source {
  readonly node: string;
  /** Absent for a stage with one output. */
  readonly port?: string;
}

/** Anything on the graph that carries errors and requirements: a reference or a node with ports. */
export interface Traced<out E = unknown, out R = unknown> {
  readonly "~ml-pipe/traced": { readonly _E: Types.Covariant<E>; readonly _R: Types.Covariant<R> };
  readonly source: Source;
}

/** A value of type `A` to come, of a graph that may fail with `E` and needs `R`. */
export interface Ref<out A, out E = unknown, out R = unknown> extends Traced<E, R> {
  readonly "~ml-pipe/ref": Types.Covariant<A>;
}

/** A signal that a node may emit, to hang a hook on. */
export interface SignalRef<out T> {
  readonly "~ml-pipe/signal": Types.Covariant<T>;
  readonly node: string;
  readonly signal: string;
}

/** The union of the errors of some references. */
export type ErrorOf<X> = {
  [K in keyof X]: X[K] extends Traced<infer E, unknown> ? E : never;
}[keyof X];

/** The union of the requirements of some references. */
export type NeedsOf<X> = {
  [K in keyof X]: X[K] extends Traced<unknown, infer R> ? R : never;
}[keyof X];

const covariant = (_: never) => _;
const traced = { _E: covariant, _R: covariant };

/** A reference to a node's output. The builder of graphs calls this; authors do not. */
export const make = (source: Source): Ref<never, never, never> => ({
  "~ml-pipe/traced": traced,
  "~ml-pipe/ref": covariant,
  source,
});

/** A reference to a node's signal. */
export const makeSignal = (node: string, signal: string): SignalRef<never> => ({
  "~ml-pipe/signal": covariant,
  node,
  signal,
});
