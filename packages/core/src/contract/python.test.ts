import { spawnSync } from "node:child_process";
import { assert, describe, it } from "vitest";
import * as Column from "../Column.ts";
import * as Contract from "../Contract.ts";

const Visit = Contract.make("shop-visit 2", {
  version: "1.2.0",
  owner: "shop",
  description: 'a "visit"\nof one customer',
  columns: {
    at: Column.timestamp(),
    age: Column.int({ min: 0, max: 120, unit: "years", nullable: true }),
    price: Column.float(),
    plan: Column.string({ values: ["month", "year"] }),
    code: Column.string({ pattern: "[A-Z]{3}" }),
    "a b": Column.boolean({ description: "no name of Python" }),
  },
});
const text = Contract.toPython([Visit], "ml-pipe codegen python visits.ts");

const python = (code: string) =>
  spawnSync("python3", ["-B", "-c", `${text}\n${code}`], { encoding: "utf8" });
const known = spawnSync("python3", ["--version"]).status === 0;
const required = process.env["ML_PIPE_TEST_PYTHON"] !== undefined;

it("types for Python say what they are of, and how they are written again", () => {
  assert.include(text, `# from shop-visit 2 1.2.0 ${Visit.digest}`);
  assert.include(text, "    ml-pipe codegen python visits.ts\n");
  assert.include(text, '        "age": Optional[int],  # years');
  assert.include(text, '        "plan": Literal["month", "year"],');
  assert.strictEqual(text, Contract.toPython([Visit], "ml-pipe codegen python visits.ts"));
});

describe.skipIf(!known && !required)("the generated module", () => {
  const row = `row = dict(at="2001-01-01T00:00:00Z", age=3, price=1.5, plan="year", code="ABC"); row["a b"] = True`;
  it("lets rows of the contract pass, and says everything that is wrong with others", () => {
    const good = python(`${row}\nassert ShopVisit2.problems(row) == [], ShopVisit2.problems(row)
row["age"] = None
assert ShopVisit2.problems(row) == []
assert ShopVisit2.COLUMNS[-1] == "a b" and ShopVisit2.DIGEST.startswith("sha256-")`);
    assert.strictEqual(good.status, 0, good.stderr);
    const bad = python(`${row}
row.update(age=3.5, price=float("nan"), plan="day", code="ABCD", more=1, at=5); row["a b"] = 1
print("\\n".join(ShopVisit2.problems(row)))`);
    assert.deepStrictEqual(bad.stdout.trim().split("\n"), [
      "more: the contract has no such column",
      "at: expected timestamp, found 5",
      "age: expected int, found 3.5",
      "price: expected float, found no value",
      "plan: expected one of ['month', 'year'], found 'day'",
      "code: expected text that matches [A-Z]{3}, found 'ABCD'",
      "a b: expected boolean, found 1",
    ]);
  });

  it("takes numbers of NumPy, and digits of ASCII; says what Python cannot check", () => {
    const Code = Contract.make("code", {
      version: "1",
      owner: "shop",
      columns: {
        n: Column.int({ min: 1 }),
        digits: Column.string({ pattern: "\\d+" }),
        letters: Column.string({ pattern: "\\p{L}+" }),
      },
    });
    const code = `${Contract.toPython([Code], "x")}
class Scalar:
    "Like numpy.int64, which is no int."
    def __init__(self, value): self.value = value
    def tolist(self): return self.value
print("\\n".join(Code.problems(dict(n=Scalar(3), digits="7", letters="a"))))
class NAType: "Like pandas.NA."
print("\\n".join(Code.problems(dict(n=Scalar(0), digits="٣", letters=NAType()))))
print("\\n".join(Code.problems(dict(n=Scalar(float("nan")), digits="7", letters=None))[:1]))`;
    const { stdout, stderr } = spawnSync("python3", ["-B", "-c", code], { encoding: "utf8" });
    assert.deepStrictEqual(
      stdout.trim().split("\n"),
      [
        "letters: the pattern \\p{L}+ cannot be checked in Python: bad escape \\p at position 0",
        "n: expected at least 1, found 0",
        "digits: expected text that matches \\d+, found '٣'",
        "letters: expected string, found no value",
        "n: expected int, found no value",
      ],
      stderr,
    );
  });

  it("has a class for each contract, whatever they are called", () => {
    const of = (name: string, version = "1") =>
      Contract.make(name, { version, owner: "lab", columns: { x: Column.float() } });
    const contracts = [
      of("list"),
      of("none"),
      of("a b"),
      of("a-b"),
      of("a-b", "2.0"),
      of("trip"),
      of("trip-row"),
    ];
    const code = `${Contract.toPython(contracts, "x")}
print(sorted(name for name in dir() if hasattr(globals()[name], "DIGEST")))`;
    const { stdout, stderr } = spawnSync("python3", ["-B", "-c", code], { encoding: "utf8" });
    assert.strictEqual(
      stdout.trim(),
      "['AB', 'AB_1', 'AB_2_0', 'List_1', 'None_1', 'Trip', 'TripRow_1']",
      stderr,
    );
  });

  it("looks into lists, structs and embeddings", () => {
    const Product = Contract.make("product", {
      version: "1",
      owner: "shop",
      columns: {
        tags: Column.list(Column.string({ pattern: "[a-z]+" })),
        maker: Column.struct({ city: Column.string(), since: Column.int({ nullable: true }) }),
        vector: Column.embedding(2),
      },
    });
    const code = `${Contract.toPython([Product], "x")}
print(Product.problems(dict(tags=["a"], maker=dict(city="Ulm", since=None), vector=(1.0, 2.0))))
print("\\n".join(Product.problems(dict(tags=["a", "B"], maker=dict(city=1), vector=[float("nan")]))))`;
    const { stdout } = spawnSync("python3", ["-B", "-c", code], { encoding: "utf8" });
    assert.deepStrictEqual(stdout.trim().split("\n"), [
      "[]",
      "tags[1]: expected text that matches [a-z]+, found 'B'",
      "maker.city: expected string, found 1",
      "maker.since: expected int, found nothing",
      "vector: expected 2 numbers, found 1",
      "vector[0]: expected float, found no value",
    ]);
  });
});
