/** Branches: which part of a graph runs depends on a value that another stage computes. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { currentBuilder, referencesTo, withBuilder } from "../internal/builder.ts";
import { type CallSite, callSites } from "../internal/callSite.ts";
import type { Ref, Traced } from "../Ref.ts";
import { StageInvalid, type StageInfo } from "./make.ts";

/**
 * Runs one of two branches, as a value says that another stage computed. The graph shows both; the
 * stages of the branch that is not taken are skipped. What `yes` and `no` return is the outcome,
 * of the same kind in both; the value of a stage on a branch cannot be used outside it otherwise.
 *
 * @example
 * ```ts
 * import { type Ref, Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const input = { n: Schema.Finite };
 * const halve = Stage.make("halve", {
 *   input, output: Schema.Finite, run: ({ n }) => Effect.succeed(n / 2),
 * });
 * const triple = Stage.make("triple", {
 *   input, output: Schema.Finite, run: ({ n }) => Effect.succeed(3 * n),
 * });
 * // inside Pipeline.make:
 * const step = (even: Ref.Ref<boolean, never, never>, n: Ref.Ref<number, never, never>) =>
 *   Stage.when("step", { if: even, yes: () => halve({ n }), no: () => triple({ n }) });
 * ```
 */
export const when = <A, E0, R0, E1, R1, E2, R2>(
  name: string,
  branches: {
    readonly if: Ref<boolean, E0, R0>;
    readonly yes: () => Ref<A, E1, R1>;
    readonly no: () => Ref<NoInfer<A>, E2, R2>;
  },
): Ref<A, E0 | E1 | E2, R0 | R1 | R2> => {
  const builder = currentBuilder(`Stage.when("${name}") was called`);
  const full = [...builder.group, name].join("/");
  const branch = (is: boolean, build: () => Traced): Traced =>
    withBuilder(
      { ...builder, when: [...builder.when, { choice: full, from: branches.if.source, is }] },
      build,
    );
  const taken = branch(true, branches.yes);
  const otherwise = branch(false, branches.no);
  const output = builder.schemaOf(taken.source);
  if (output === undefined) {
    throw new StageInvalid({
      stage: full,
      problem: "its branch does not return one output of a stage",
      next: "Return a reference that was made inside this pipeline",
    });
  }
  const info = choiceInfo(full, output, callSites(when));
  const inputs = { if: branches.if.source, yes: taken.source, no: otherwise.source };
  builder.add({
    info,
    run: (values) => Effect.succeed(values["if"] === true ? values["yes"] : values["no"]),
    fingerprint: Effect.succeed(null),
    inputs,
    group: builder.group,
    when: builder.when,
    calledAt: info.definedAt,
  });
  // The graph just checked that both branches give this schema's kind of value.
  return referencesTo(info);
};

const choiceInfo = (
  name: string,
  output: Schema.ConstraintCodec<unknown, unknown>,
  frames: ReadonlyArray<CallSite>,
): StageInfo => ({
  name,
  description: "goes on with the branch that was taken",
  inputs: { if: Schema.Boolean, yes: output, no: output },
  output: { single: output },
  signals: {},
  params: null,
  cache: "content",
  environment: [],
  resources: { cores: 0, memoryBytes: 0 },
  kind: "choice",
  definedAt: frames[0],
  frames,
  charter: undefined,
});
