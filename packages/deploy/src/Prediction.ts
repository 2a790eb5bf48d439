/** Predictions: what a release answers, which follows from what its label is. */
import { Cost, type Model, type Release } from "@ml-pipe/data";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

const common = {
  /** Which release answered, such as `flight-delay@3`. */
  release: Schema.String,
  /** Features without a value: a null in the request, or a history without rows. Of a list: the user. */
  missing: Schema.Array(Schema.String),
  /** Features whose history should reach beyond what is known to the release or the feature store. */
  stale: Schema.Array(Schema.String),
  /** Features of whose entity nothing is known, such as a new customer. Of a list: the user. */
  unseen: Schema.Array(Schema.String),
  /** Features whose state is too old, or could not be read, and is missing for that. */
  unavailable: Schema.Array(Schema.String),
};

/** The answer to a yes/no question. */
export const DecisionPrediction = Schema.Struct({
  /** Probability of the feature set's label. */
  probability: Schema.Finite,
  /** Whether acting costs less than not acting: the probability reaches the release's threshold. */
  act: Schema.Boolean,
  /** The charter's question, answered. */
  decision: Schema.String,
  ...common,
});
/** See {@link DecisionPrediction}. */
export type DecisionPrediction = typeof DecisionPrediction.Type;

/** A predicted number, in the unit of the label. */
export const NumberPrediction = Schema.Struct({ value: Schema.Finite, ...common });
/** See {@link NumberPrediction}. */
export type NumberPrediction = typeof NumberPrediction.Type;

/** Probabilities of classes, and what follows from them. */
export const ClassPrediction = Schema.Struct({
  /** The most probable class. */
  class: Schema.String,
  /** The choice with the lowest expected cost by the charter: a class, or another way out. */
  choice: Schema.String,
  /** By class; they sum to 1. */
  probabilities: Schema.Record(Schema.String, Schema.Finite),
  ...common,
});
/** See {@link ClassPrediction}. */
export type ClassPrediction = typeof ClassPrediction.Type;

/** A list of items for one user, as the released system merges it. */
export const ListPrediction = Schema.Struct({
  /** The first place first; fewer than the system's length where sources propose no more. */
  items: Schema.Array(
    Schema.Struct({
      /** As the interactions name it: text or a whole number. */
      item: Schema.Union([Schema.String, Schema.Int]),
      rank: Schema.Int,
      /** Comparable within the list only. */
      score: Schema.Finite,
      /** The source that the place is owed to most. */
      source: Schema.String,
    }),
  ),
  /** What the user has met by the request, and the release knows nothing of. */
  unknownItems: Schema.Array(Schema.Union([Schema.String, Schema.Int])),
  ...common,
});
/** See {@link ListPrediction}. */
export type ListPrediction = typeof ListPrediction.Type;

/** An answer to one request. Which one it is shows in its keys: `act`, `value`, `choice` or `items`. */
export const Prediction = Schema.Union([
  DecisionPrediction,
  NumberPrediction,
  ClassPrediction,
  ListPrediction,
]);
/** See {@link Prediction}. */
export type Prediction = typeof Prediction.Type;

/** What a prediction says beside what the model makes of it. */
export type About = Pick<Prediction, keyof typeof common>;

/** Makes a prediction of the scores of one row, which begin at a place. */
export type Teller = (scores: Float64Array, at: number, about: About) => Prediction;

/** How a release makes predictions of what its model says, or why it cannot. */
export const tellerOf = (
  release: Release.ModelRelease,
  signature: Model.Signature,
): Result.Result<Teller, string> => {
  const { threshold, classCosts } = release;
  switch (signature._tag) {
    case "probability":
      return threshold === undefined
        ? Result.fail("its model gives a probability, and it says not from which to act")
        : Result.succeed(decides(threshold, release.decision));
    case "value":
      return Result.succeed((scores, at, about) => ({ value: scores[at]!, ...about }));
    case "classes":
      return classCosts === undefined
        ? Result.fail("its model tells classes apart, and it says not what choosing costs")
        : chooses(signature.classes, classCosts);
    case "score":
      return Result.fail("its model only puts rows in order, which answers no request");
  }
};

const decides = (threshold: number, question: string): Teller => {
  const [yes, no] = [`${question} yes`, `${question} no`];
  return (scores, at, about) => {
    const probability = scores[at]!;
    const act = probability >= threshold;
    return { probability, act, decision: act ? yes : no, ...about };
  };
};

const chooses = (
  classes: ReadonlyArray<string>,
  classCosts: NonNullable<Release.ModelRelease["classCosts"]>,
): Result.Result<Teller, string> => {
  const unpriced = classes.filter((name) => classCosts[name] === undefined);
  if (unpriced.length > 0) {
    return Result.fail(
      `its charter does not say what choosing costs for ${unpriced.map((name) => `"${name}"`).join(", ")}`,
    );
  }
  return Cost.choiceMatrix({ name: "", unit: "", classCosts }).pipe(
    Result.mapError(({ message }) => message),
    Result.map((matrix): Teller => {
      const places = classes.map((name) => matrix.classes.indexOf(name));
      // A class of the charter that the model does not know has no probability.
      const row = new Float64Array(matrix.classes.length);
      return (scores, at, about) => {
        let best = 0;
        for (const [one, place] of places.entries()) {
          row[place] = scores[at + one]!;
          if (scores[at + one]! > scores[at + best]!) best = one;
        }
        const [choice = 0] = Result.getOrThrow(Cost.cheapest(row, matrix));
        return {
          class: classes[best] ?? "",
          choice: matrix.choices[choice] ?? "",
          probabilities: Object.fromEntries(classes.map((name, one) => [name, scores[at + one]!])),
          ...about,
        };
      };
    }),
  );
};
