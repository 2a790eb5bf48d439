/** What the README says does not compile, with the built-in stages, as an author meets it. */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { expectTypeOf, it } from "vitest";
import {
  Charter,
  Column,
  Contract,
  Deploy,
  Digest,
  Engine,
  Evaluate,
  Features,
  FeatureSet,
  GoldenGate,
  GoldenSet,
  History,
  Local,
  Monitor,
  Pipeline,
  type Ref,
  Rule,
  Split,
  Stage,
  type Table,
  Train,
  Validate,
  Verdict,
} from "./index.ts";

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "operations",
  eventTime: "date",
  columns: {
    date: Column.timestamp(),
    distance: Column.int({ unit: "mi" }),
    origin: Column.string(),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
  },
});
const Hotel = Contract.make("hotel", {
  version: "1.0.0",
  owner: "travel",
  eventTime: "date",
  columns: Flight.columns,
});
const set = FeatureSet.make("delay-features", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  features: ($) => ({ distance: $.distance }),
  label: ($) => $.delay.gt(15),
});
const charter = Charter.make({
  title: "Warn passengers",
  decision: { question: "warn?", madeAt: "departure", actor: "agent", outcomeKnownAfter: "1 day" },
  metric: {
    name: "expected cost",
    unit: "USD per flight",
    costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
  },
  baseline: Rule.baseline(set.contract, {
    name: "far",
    description: "warn for long flights",
    when: ($) => $.distance.gt(1000),
  }),
  smallestGain: 0.25,
  surface: "gate display",
  kill: { on: "2030-01-01", criterion: "no gain" },
  owner: "passenger-care",
});

const validateFlights = Validate.table(Flight);
const validateHotels = Validate.table(Hotel);
const features = Features.stage(set);
const split = Split.byTime(set.contract, {
  validation: "2001-04-15",
  test: "2001-05-01",
  live: "2001-06-01",
});
const train = Train.boostedTrees(set);
const evaluate = Evaluate.decisions(set, { charter });
const deploy = Deploy.release(set, { charter, knownUntil: "2001-06-01" });
const monitor = Monitor.daily(set, { charter });

declare const flights: Ref.Ref<Table.Table<typeof Flight, "raw">, never, never>;
const { checked } = validateFlights({ data: flights });
const parts = split({ data: features({ data: checked }) });
const model = train({ train: parts.train, validation: parts.validation });
const { verdict } = evaluate({ model, train: parts.train, data: parts.test });

const goldenSet = GoldenSet.make("hard-flights", {
  version: "1.0.0",
  of: set,
  path: "golden/hard-flights.parquet",
  digest: Digest.ofBytes(""),
});
const golden = GoldenSet.stage(goldenSet)();
const released = Deploy.released(set)();
const gate = GoldenGate.noRegression(goldenSet, { charter });

it("another team's contract does not fit", () => {
  // @ts-expect-error Type '"flight"' is not assignable to type '"hotel"'
  validateHotels({ data: flights });
});

it("unchecked data are not split, and no table is used in another role", () => {
  // @ts-expect-error Type '"raw"' is not assignable to type '"checked"'
  features({ data: flights });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  train({ train: parts.test, validation: parts.validation });
  // @ts-expect-error Type '"train"' is not assignable to type '"test"'
  evaluate({ model, train: parts.train, data: parts.train });
  // @ts-expect-error Type '"test"' is not assignable to type '"validation"'
  train({ train: parts.train, validation: parts.test });
});

it("golden rows are never trained on", () => {
  gate({ verdict, model, train: parts.train, golden, released });
  // @ts-expect-error Type '"golden"' is not assignable to type '"train"'
  train({ train: golden, validation: parts.validation });
  // @ts-expect-error Type '"golden"' is not assignable to type '"validation"'
  train({ train: parts.train, validation: golden });
  // @ts-expect-error Type '"golden"' is not assignable to type '"train"'
  Train.outOfFold(set)({ data: golden });
  // @ts-expect-error Type '"golden"' is not assignable to type '"test"'
  evaluate({ model, train: parts.train, data: golden });
  // @ts-expect-error Type '"test"' is not assignable to type '"golden"'
  gate({ verdict, model, train: parts.train, golden: parts.test, released });
});

it("only a model that passed is deployed", () => {
  const passed = Verdict.gate({ verdict });
  deploy({ model, verdict: passed, history: checked });
  // @ts-expect-error is not assignable to type '"passed"'
  deploy({ model, verdict, history: checked });
  // @ts-expect-error Property 'verdict' is missing
  deploy({ model, history: checked });
  const rejected = Stage.make("rejected", {
    input: {},
    output: Verdict.Verdict,
    run: (): Effect.Effect<Verdict.Verdict<"rejected">> => Effect.die("never runs"),
  });
  // @ts-expect-error is not assignable to type '"passed"'
  deploy({ model, verdict: rejected(), history: checked });
  // @ts-expect-error is not assignable to type 'Ref<Release<
  monitor({ release: model, reference: parts.train, live: parts.live });
});

it("a feature is known at the decision, unless it is a history", () => {
  FeatureSet.make("peeking", {
    version: "1.0.0",
    of: Flight,
    decidedAt: "date",
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision" | "stored"'
    features: ($) => ({ delay: $.delay }),
    label: ($) => $.delay.gt(15),
  });
  FeatureSet.make("honest", {
    version: "1.0.0",
    of: Flight,
    decidedAt: "date",
    features: ($) => ({
      late: History.mean($.delay.gt(15), {
        by: [$.origin],
        knownAt: $.date.plusMinutes(600),
        window: "1 day",
        hop: "1 hour",
      }),
    }),
    label: ($) => $.delay.gt(15),
  });
  Rule.baseline(set.contract, {
    name: "oracle",
    description: "knows the answer",
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
    when: ($) => $.label,
  });
});

it("a pipeline has a charter, and a charter has a baseline", () => {
  // @ts-expect-error Property 'charter' is missing
  Pipeline.make("no-charter", {}, () => ({ model }));
  const { baseline: _, ...rest } = charter.spec;
  // @ts-expect-error Property 'baseline' is missing
  Charter.make({
    ...rest,
    decision: { ...rest.decision, outcomeKnownAfter: "1 day" },
    kill: { on: "2030-01-01", criterion: "" },
  });
});

class Weather extends Context.Service<Weather, { readonly rain: number }>()("test/Weather") {}

it("a pipeline whose services are missing does not run", () => {
  const rain = Stage.make("rain", {
    input: {},
    output: Schema.Finite,
    run: () => Weather.use(({ rain: mm }) => Effect.succeed(mm)),
  });
  const wet = Pipeline.make("wet", { charter }, () => ({ rain: rain() }));
  const run = Engine.Engine.use((engine) => engine.run(wet)).pipe(
    Effect.provide(Local.layer(".ml-pipe")),
  );
  // @ts-expect-error Type 'Weather' is not assignable to type 'never'
  void Effect.runPromise(run);
  void Effect.runPromise(Effect.provideService(run, Weather, { rain: 3 }));
});

it("errors and needs add up along the graph", () => {
  const pipeline = Pipeline.make("flights", { charter }, () => ({ verdict }));
  expectTypeOf(pipeline).toExtend<Pipeline.Pipeline<unknown, unknown, Local.Services>>();
  // @ts-expect-error does not satisfy the expected type
  pipeline satisfies Pipeline.Pipeline<unknown, never, unknown>;
});
