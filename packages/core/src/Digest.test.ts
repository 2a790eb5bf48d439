import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Digest from "./Digest.ts";

describe("ofBytes", () => {
  // FIPS 180-2, appendix B.1 and B.2, and the empty message of NIST's SHA256ShortMsg.rsp.
  it("agrees with the published SHA-256 vectors", () => {
    const vectors: ReadonlyArray<readonly [string, string]> = [
      ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ],
      // FIPS 180-2, B.3: one million times "a".
      ["a".repeat(1e6), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    ];
    for (const [message, hex] of vectors) {
      assert.strictEqual(Digest.ofBytes(message), `sha256-${hex}`);
      assert.strictEqual(Digest.ofBytes(new TextEncoder().encode(message)), `sha256-${hex}`);
    }
  });

  it("is a digest by its own schema", () => {
    assert.isTrue(Schema.is(Digest.Digest)(Digest.ofBytes("x")));
    for (const wrong of ["sha256-", "sha256-ABC", `md5-${"0".repeat(64)}`, "0".repeat(64)]) {
      assert.isFalse(Schema.is(Digest.Digest)(wrong), wrong);
    }
  });
});

describe("canonicalJson", () => {
  // RFC 8785, section 3.2.3: keys in order of their UTF-16 code units.
  it("orders keys as the example of RFC 8785", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const order = [...Digest.canonicalJson(value).matchAll(/:"([^"]+)"/g)].map(([, text]) => text);
    assert.deepStrictEqual(order, [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
    assert.strictEqual(Digest.canonicalJson({ "10": 0, "9": 0, "-": 0 }), '{"-":0,"10":0,"9":0}');
  });

  // RFC 8785, section 3.2.2 (numbers and literals of its example).
  it("writes numbers and literals as RFC 8785", () => {
    assert.strictEqual(
      Digest.canonicalJson({
        numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
        literals: [null, true, false],
      }),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
    );
  });

  it("says the same as JSON, whatever the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepStrictEqual(
          JSON.parse(Digest.canonicalJson(value)),
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it("leaves undefined members out and writes dates as text", () => {
    assert.strictEqual(
      Digest.canonicalJson({ a: undefined, at: new Date(0), list: [undefined] }),
      '{"at":"1970-01-01T00:00:00.000Z","list":[null]}',
    );
  });
});

describe("ofJson", () => {
  it("does not depend on the order of keys, and does on everything else", () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue());
    const shuffled = record.chain((value) =>
      fc
        .shuffledSubarray(Object.keys(value), { minLength: Object.keys(value).length })
        .map((keys) => [value, keys] as const),
    );
    fc.assert(
      fc.property(shuffled, ([value, keys]) => {
        const other = Object.fromEntries(keys.map((key) => [key, value[key]]));
        assert.strictEqual(Digest.ofJson(other), Digest.ofJson(value));
        assert.notStrictEqual(
          Digest.ofJson({ ...value, [`${keys.join()}+`]: 1 }),
          Digest.ofJson(value),
        );
      }),
    );
    assert.notStrictEqual(Digest.ofJson([1, 2]), Digest.ofJson([2, 1]));
  });

  it("refuses what JSON has no value for, and says where", () => {
    for (const bad of [NaN, Infinity, -Infinity, 1n, () => 0, Symbol("s")]) {
      assert.throws(() => Digest.ofJson({ a: [{ b: bad }] }), /cannot digest .* at "\/a\/0\/b"/);
    }
    for (const emptied of [new Map([[1, 2]]), new Set([1]), new Uint8Array([1])]) {
      assert.throws(() => Digest.ofJson({ emptied }), /cannot digest a (Map|Set|Uint8Array)/);
    }
  });
});
