import * as Schema from "effect/Schema";

/** Another process works in the state folder: two at once would do everything twice. */
export class FolderOwned extends Schema.TaggedError<FolderOwned>()("FolderOwned", {
  folder: Schema.String,
  /** Absent if the owner has only just begun. */
  pid: Schema.optionalKey(Schema.Int),
  since: Schema.optionalKey(Schema.DateFromString),
}) {
  override get message(): string {
    const { folder, pid, since } = this;
    const owner = pid === undefined ? "another process" : `process ${pid}`;
    const from = since === undefined ? "" : ` since ${since.toISOString()}`;
    return `the state folder ${folder} is in use by ${owner}${from}. Wait until it has ended or stop it, or choose another folder with --state.`;
  }
}
