import { assert, it } from "vitest";
import { shortTypes } from "./shortTypes.ts";

const columns = Array.from({ length: 40 }, (_, i) => `readonly c${i}: Column<number, "decision">`);
const contract = `Contract<"customer", { ${columns.join("; ")} }, undefined>`;

it("leaves short types as they are", () => {
  const message = `Type 'Table<Contract<"a", {}>, "test">' is not assignable to type 'string | number'.`;
  assert.strictEqual(shortTypes(message), message);
});

it("keeps the outer parts of long ones", () => {
  assert.strictEqual(
    shortTypes(
      `Type '{ readonly data: Ref<Table<${contract}, "test">>; }' is not assignable to type 'B' with 'exactOptionalPropertyTypes: true'. Consider adding 'undefined' to the types of the target's properties.`,
    ),
    `Type '{ data: Ref<Table<Contract<…>, "test">>; }' is not assignable to type 'B'.`,
  );
  const missing = `Property 'approval' is missing in type '{ model: Node<Model<${contract}>, { ${columns.join("; ")} }>; run: (x: ${contract}) => void; }' but required in type 'B'.\n  it's so`;
  assert.strictEqual(
    shortTypes(missing),
    "Property 'approval' is missing in type '{ model: Node<Model<…>, {…}>; run: (x: Contract<…>) => void; }' but required in type 'B'.\n  it's so",
  );
});

it("cuts what is long at its outside too", () => {
  const union = Array.from({ length: 40 }, (_, i) => `Error${i}<"(">`).join(" | ");
  const text = shortTypes(`Type '${union}' is not assignable to type 'never'.`);
  assert.match(text, /^Type 'Error0<…> \| Error1<…>.*…' is not assignable to type 'never'\.$/);
  assert.isBelow(text.length, 200);
});
