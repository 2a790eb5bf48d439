/** The outputs of a stage between its code and the record: schemas compiled once per stage. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { contractOf } from "../Contract.ts";
import * as Digest from "../Digest.ts";
import { OutputMismatch } from "../Engine.ts";
import type { Fields, StageInfo } from "../Stage.ts";
import { withoutPaths } from "./lineageRows.ts";

/** A value on an edge of the graph, and the JSON that its digest is taken of. */
export interface Value {
  readonly value: unknown;
  readonly json: Schema.Json;
  readonly digest: () => Digest.Digest;
}

/** The outputs of a stage by port ("" for a single one). */
export type Values = { readonly [port: string]: Value };

interface Codec {
  readonly port: string;
  readonly encode: (value: unknown) => Effect.Effect<Schema.Json, Schema.SchemaError>;
  readonly decode: (json: Schema.Json) => Effect.Effect<unknown, Schema.SchemaError>;
}

interface Compiled {
  readonly codecs: ReadonlyArray<Codec>;
  /** Digests of the contracts that the stage's inputs and outputs are under, by port. */
  readonly contracts: { readonly [port: string]: Digest.Digest };
}

const compiled = new WeakMap<StageInfo, Compiled>();

const compile = (info: StageInfo): Compiled => {
  const outputs = outputsOf(info);
  const sides = [["in", Object.entries(info.inputs)] as const, ["out", outputs] as const];
  const contracts = sides.flatMap(([side, ports]) =>
    ports.flatMap(([port, schema]) => {
      const contract = contractOf(schema);
      return contract === undefined ? [] : [[`${side}:${port}`, Digest.ofJson(contract)] as const];
    }),
  );
  const codecs = outputs.map(([port, schema]) => {
    const json = Schema.toCodecJson(schema);
    const options = { errors: "all" } as const;
    return {
      port,
      encode: Schema.encodeUnknownEffect(json, options),
      decode: Schema.decodeUnknownEffect(json, options),
    };
  });
  // A list of values under a contract is under it too.
  const ofItems = info.each === undefined ? {} : of(info.each.stage).contracts;
  return { codecs, contracts: { ...ofItems, ...Object.fromEntries(contracts) } };
};

const of = (info: StageInfo): Compiled => {
  const found = compiled.get(info) ?? compile(info);
  compiled.set(info, found);
  return found;
};

/** The named outputs of a stage; a single one has the name "". */
export const outputsOf = ({
  output,
}: StageInfo): ReadonlyArray<readonly [string, Fields[string]]> =>
  "single" in output ? [["", output.single]] : Object.entries(output.ports);

/** See {@link Compiled.contracts}. */
export const contractsOf = (info: StageInfo): Compiled["contracts"] => of(info).contracts;

/** What stands for a value in cache keys: the same wherever the files lie that it refers to. */
export const digestOf = (json: Schema.Json): Digest.Digest => Digest.ofJson(withoutPaths(json));

const valueOf = (value: unknown, json: Schema.Json): Value => {
  let digest: Digest.Digest | undefined;
  return { value, json, digest: () => (digest ??= digestOf(json)) };
};

/** Checks what a stage returned against the schemas of its outputs. */
export const encodeOutputs = Effect.fnUntraced(function* (info: StageInfo, returned: unknown) {
  const isRecord = typeof returned === "object" && returned !== null;
  const values: Record<string, Value> = {};
  for (const { port, encode } of of(info).codecs) {
    const value: unknown =
      port === "" ? returned : isRecord ? Reflect.get(returned, port) : undefined;
    const json = yield* Effect.mapError(
      encode(value),
      ({ message }) => new OutputMismatch({ stage: info.name, output: port, problem: message }),
    );
    values[port] = valueOf(value, json);
  }
  return values;
});

/** The values that a stage's recorded outputs stand for. */
export const decodeOutputs = Effect.fnUntraced(function* (
  info: StageInfo,
  recorded: { readonly [port: string]: Schema.Json },
) {
  const values: Record<string, Value> = {};
  for (const { port, decode } of of(info).codecs) {
    const json = recorded[port] ?? null;
    values[port] = valueOf(yield* decode(json), json);
  }
  return values;
});
