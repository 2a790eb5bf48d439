/** What a stage that fans out can fail with beside the errors of its items. */
import * as Schema from "effect/Schema";
import { ItemFailure } from "../Run.ts";

/** A list of items that cannot be told apart: two have one key, or one has none. */
export class ItemsInvalid extends Schema.TaggedError<ItemsInvalid>()("ItemsInvalid", {
  stage: Schema.String,
  /** Keys that are used more than once, and empty ones. */
  keys: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const shown = this.keys.slice(0, 5).map((key) => JSON.stringify(key));
    const more = this.keys.length > 5 ? `, and ${this.keys.length - 5} more` : "";
    return `stage "${this.stage}": items need keys of their own, but these are empty or used twice: ${shown.join(", ")}${more}. Correct the list, or what \`key\` makes of an item.`;
  }
}

/** Items failed: all of them, with the reasons. The others are done, and are not done again. */
export class ItemsFailed extends Schema.TaggedError<ItemsFailed>()("ItemsFailed", {
  stage: Schema.String,
  total: Schema.Int,
  /** In the order of the items. */
  failures: Schema.Array(ItemFailure),
}) {
  override get message(): string {
    const { stage, total, failures } = this;
    const lines = failures
      .slice(0, 5)
      .map(({ key, failure }) => `  ${key}: ${failure.tag}: ${failure.message}`);
    const more = failures.length > 5 ? `\n  and ${failures.length - 5} more, in the record` : "";
    return `stage "${stage}": ${failures.length} of ${total} items failed:\n${lines.join("\n")}${more}\nThe others are done. Repair these and run again.`;
  }
}
