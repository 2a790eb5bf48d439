/** What judging lists can fail with: each says what was wrong with which lists, and what to do next. */
import { Words } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

const { counted, whole } = Words;

/** Lists, train and test table are not of one split, so that what is tested may have been learnt. */
export class ListsOfOtherSplit extends Schema.TaggedError<ListsOfOtherSplit>()(
  "ListsOfOtherSplit",
  {
    /** Inputs of another split than the test table. */
    inputs: Schema.Array(Schema.String),
    split: Schema.NullOr(Schema.String),
  },
) {
  override get message(): string {
    const inputs = this.inputs.map((input) => `"${input}"`).join(", ");
    return this.split === null
      ? "the test table is of no split, so nothing says that the lists did not learn from it. Wire the test part of a split."
      : `${inputs} and the test table are not of one split, so that what is tested may have been learnt. Recommend from the train part of the split whose test part is judged.`;
  }
}

/** Lists hold an item or a place twice, or begin below the first place. */
export class ListsInvalid extends Schema.TaggedError<ListsInvalid>()("ListsInvalid", {
  input: Schema.String,
  /** Users and items that come more than once. */
  repeatedItems: Schema.Int,
  /** Users and ranks that come more than once. */
  repeatedRanks: Schema.Int,
  /** Rows without a user, an item or a rank of at least 1. */
  unranked: Schema.Int,
}) {
  override get message(): string {
    const { input, repeatedItems, repeatedRanks, unranked } = this;
    const found = [
      ...(repeatedItems === 0 ? [] : [`${counted(repeatedItems, "item")} twice in a user's list`]),
      ...(repeatedRanks === 0 ? [] : [`${counted(repeatedRanks, "place")} given away twice`]),
      ...(unranked === 0
        ? []
        : [`${counted(unranked, "row")} without a user, an item or a rank of at least 1`]),
    ];
    return `the lists "${input}" are no lists: ${found.join(", ")}. Repair the stage that makes them: ranks of a user are 1, 2, 3 …, each with another item.`;
  }
}

/** The lists of the baseline are not those that the charter names. */
export class OtherBaseline extends Schema.TaggedError<OtherBaseline>()("OtherBaseline", {
  baseline: Schema.String,
  /** The source that the charter names; null where its rule names none. */
  expected: Schema.NullOr(Schema.String),
  found: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const { baseline, expected, found } = this;
    return expected === null
      ? `the charter's baseline "${baseline}" names no source of lists. Make it with Recommendations.baseline.`
      : `the charter's baseline "${baseline}" is the lists of "${expected}", and the lists wired to baseline are of ${found.length === 0 ? "nobody: they are empty" : found.map((one) => `"${one}"`).join(", ")}. Wire those that the charter promises to beat.`;
  }
}

/** No user of the test part liked anything that they had not met before. */
export class NobodyToJudge extends Schema.TaggedError<NobodyToJudge>()("NobodyToJudge", {
  rows: Schema.Int,
}) {
  override get message(): string {
    return `in the ${whole(this.rows)} rows of the test table nobody liked anything that they had not met before, so there is nothing to judge by. Check from which rating on an item counts as liked, and the split.`;
  }
}
