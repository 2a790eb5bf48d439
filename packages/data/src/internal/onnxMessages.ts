/** What a scoring thread and its owner tell each other. */

/** What a thread is started with. */
export interface OnnxTask {
  readonly path: string;
  readonly input: { readonly name: string; readonly type: "float32" | "float64" };
  readonly features: number;
  readonly output: string;
}

/** Rows to score, one after another; of the input's type. */
export interface OnnxRequest {
  readonly id: number;
  readonly rows: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
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
