/** What a scoring thread and its owner tell each other. */

import type { Given, Input } from "../onnx/inputs.ts";

/** What a thread is started with. */
export interface OnnxTask {
  readonly path: string;
  readonly inputs: ReadonlyArray<Input>;
  readonly output: string;
}

/** Rows to score. */
export interface OnnxRequest {
  readonly id: number;
  readonly rows: number;
  /** What each input is given, in the order of the task's. */
  readonly given: ReadonlyArray<Given>;
}

/** `Ready` once, when the model is loaded; then an answer to each request. */
export type OnnxReply =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "NoRuntime"; readonly problem: string }
  | { readonly _tag: "NotLoaded"; readonly problem: string }
  | {
      readonly _tag: "Scored";
      readonly id: number;
      /** The whole output, row by row. */
      readonly scores: Float64Array<ArrayBuffer>;
      /** Numbers of each row. */
      readonly width: number;
    }
  | { readonly _tag: "Failed"; readonly id: number; readonly problem: string };
