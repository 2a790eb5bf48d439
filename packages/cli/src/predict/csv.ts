/** CSV as RFC 4180 describes it: quoted fields, doubled quotes, line breaks in quotes. */

/** Splits text that comes in chunks into records of fields. */
export async function* csvRecords(
  chunks: AsyncIterable<string>,
): AsyncGenerator<ReadonlyArray<string>> {
  let field = "";
  let record: Array<string> = [];
  let state: "plain" | "quoted" | "quote" = "plain";
  let empty = true;
  for await (const chunk of chunks) {
    for (const char of chunk) {
      if (state === "quoted") {
        if (char === '"') state = "quote";
        else field += char;
        continue;
      }
      if (char === '"' && (state === "quote" || field === "")) {
        if (state === "quote") field += char;
        state = "quoted";
        empty = false;
      } else if (char === ",") {
        record.push(field);
        [field, state, empty] = ["", "plain", false];
      } else if (char === "\n") {
        if (!empty || field !== "") yield [...record, field];
        [field, record, state, empty] = ["", [], "plain", true];
      } else if (char !== "\r") {
        field += char;
        state = "plain";
      }
    }
  }
  if (!empty || field !== "") yield [...record, field];
}
