import { assert, describe, it } from "@effect/vitest";
import { uuid5, uuidOf } from "./uuid.ts";

describe("a name as a UUID", () => {
  it("is that of other implementations", () => {
    // The example of Python's documentation, uuid.uuid5(uuid.NAMESPACE_DNS, "python.org").
    const dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    assert.strictEqual(uuid5(dns, "python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
    // RFC 9562, appendix A.4.
    assert.strictEqual(uuid5(dns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  });

  it("differs with each part of the name, however they are put together", () => {
    const all = [
      uuidOf("a", "b"),
      uuidOf("ab"),
      uuidOf("a", "b", ""),
      uuidOf('a","b'),
      uuidOf("b", "a"),
    ];
    assert.strictEqual(new Set(all).size, all.length);
    assert.strictEqual(uuidOf("a", "b"), uuidOf("a", "b"));
  });
});
