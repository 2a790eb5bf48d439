import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContractLock } from "@ml-pipe/ml-pipe";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { afterAll, assert, describe, it } from "vitest";
import { plain } from "../view/Style.ts";
import * as Contracts from "./contracts.ts";
import type { CommandContext } from "./runCommand.ts";

const root = join(import.meta.dirname, "../../../..");
mkdirSync(join(root, ".snippets"), { recursive: true });
/** In the repository, so that packages resolve from it. */
const cwd = mkdtempSync(join(root, ".snippets", "contracts-"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const run = async (body: (context: CommandContext) => Promise<number>): Promise<Ended> => {
  const [out, err]: [Array<string>, Array<string>] = [[], []];
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    style: plain,
    errStyle: plain,
  };
  const code = await body({ terminal, signal: new AbortController().signal, debug: false });
  return { code, out: out.join("\n"), err: err.join("\n") };
};

const asked = (file: string, json = false): Contracts.ReviewOptions => ({
  file,
  json,
  serving: [],
  stateFolder: join(cwd, "nowhere"),
});
const check = (file: string) => run((context) => Contracts.check(asked(file), context));
const lock = (file: string) => run((context) => Contracts.lock(asked(file), context));
const diff = (file: string) => run((context) => Contracts.diff(asked(file, true), context));
const acknowledge = (file: string, team: string) =>
  run((context) =>
    Contracts.acknowledge(
      { ...asked(file), team, contract: "trip", as: "ana", reason: "ready" },
      context,
    ),
  );
const show = (file: string, contract?: string, json = false) =>
  run((context) => Contracts.show({ file, contract, json }, context));
const write = (file: string, format: Contracts.Format) =>
  run((context) => Contracts.write({ file, contract: undefined, format }, context));
const read = (document: string, out?: string) =>
  run((context) => Contracts.read({ document, owner: undefined, out, json: false }, context));
const infer = (data: string) =>
  run((context) =>
    Contracts.draft(
      { data, name: undefined, owner: "sales", out: undefined, json: false },
      context,
    ),
  );

/** A module is read once in a process: each version of the file is in a folder of its own. */
let version = 0;
const module = (text: string): string => {
  const folder = join(cwd, `${++version}`);
  mkdirSync(folder);
  const file = join(folder, "trips.ts");
  writeFileSync(file, text);
  return file;
};

const trip = `import { Column, Contract } from "@ml-pipe/ml-pipe";

export const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "dispatch",
  consumers: ["delays"],
  columns: {
    at: Column.timestamp({ description: "departure" }),
    km: Column.int({ unit: "km", min: 1, max: 5000 }),
    from: Column.string({ pattern: "[A-Z]{3}" }),
    rain: Column.boolean({ nullable: true }),
    delay: Column.int({ unit: "min", availableAt: "outcome" }),
  },
  eventTime: "at",
});
`;
/** Trips with one passage changed. */
const trips = (from = "", to = ""): string => {
  assert.include(trip, from);
  return module(trip.replace(from, to));
};

/** The lock of all versions is above them. */
const lockFile = join(cwd, "contracts.lock.json");
const lockText = () => readFileSync(lockFile, "utf8");
const noLock = () => writeFileSync(lockFile, ContractLock.toText(ContractLock.empty));

describe("contracts", () => {
  it("are locked, change, are agreed on and locked again", async () => {
    noLock();
    const first = trips();
    const unlocked = await check(first);
    assert.strictEqual(unlocked.code, 3);
    assert.match(unlocked.out, /^! trip {2}is not in the lock {2}\[dispatch\]$/m);
    assert.match(unlocked.err, /ml-pipe contracts lock \S+trips\.ts/);
    assert.strictEqual((await lock(first)).code, 0);
    assert.strictEqual((await check(first)).code, 0);

    const quiet = await check(trips('unit: "km"', 'unit: "mi"'));
    assert.strictEqual(quiet.code, 3);
    assert.match(quiet.out, /^✗ trip {2}changed/m);
    assert.match(quiet.out, /breaks both {2}"km" is in mi instead of km/);
    assert.match(
      quiet.out,
      /version {2}it breaks consumers and producers: make the version 2\.0\.0/,
    );
    assert.match(
      quiet.out,
      /waits for delays {2}ml-pipe contracts acknowledge \S+ trip --team delays/,
    );

    const second = module(trip.replace('unit: "km"', 'unit: "mi"').replace("1.0.0", "2.0.0"));
    const before = lockText();
    const refused = await lock(second);
    assert.deepStrictEqual([refused.code, lockText()], [3, before]);
    const nobody = await acknowledge(second, "lawyers");
    assert.strictEqual(nobody.code, 2);
    assert.match(nobody.err, /"lawyers" is not asked about "trip".*delays, dispatch/);
    for (const team of ["delays", "dispatch"]) {
      const said = await acknowledge(second, team);
      assert.strictEqual(said.code, 0, said.err);
    }
    const { agreed, reviews } = Schema.decodeUnknownSync(
      Schema.fromJsonString(
        Schema.Struct({ agreed: Schema.Boolean, reviews: Schema.Array(ContractLock.Review) }),
      ),
    )((await diff(second)).out);
    assert.isFalse(agreed);
    assert.deepStrictEqual(reviews[0]?.questions[0]?.missing, []);
    assert.strictEqual((await lock(second)).code, 0);
    assert.strictEqual((await check(second)).code, 0);
    const locked = Result.getOrThrow(ContractLock.fromText("lock", lockText()));
    assert.deepStrictEqual(
      locked.contracts["trip"]?.acknowledgements.map(({ team, by }) => [team, by]),
      [
        ["delays", "ana"],
        ["dispatch", "ana"],
      ],
    );
  });

  it("of files with one name in two folders are not each other's", async () => {
    const common = mkdtempSync(join(cwd, "common-"));
    writeFileSync(join(common, ContractLock.fileName), ContractLock.toText(ContractLock.empty));
    for (const name of ["bus", "tram"]) {
      mkdirSync(join(common, name));
      const file = join(common, name, "data.ts");
      writeFileSync(file, trip.replace('"trip"', `"${name}"`));
      const { code, out, err } = await lock(file);
      assert.strictEqual(code, 0, out + err);
    }
    assert.include(readFileSync(join(common, ContractLock.fileName), "utf8"), '"bus/data.ts"');
  });

  it("that contradict themselves, or are none, are refused with every problem", async () => {
    const { code, err } = await check(
      trips('eventTime: "at"', 'eventTime: "at", minRows: 2, maxRows: 1, key: ["rain"]'),
    );
    assert.strictEqual(code, 2);
    assert.match(err, /at least 2 and at most 1 rows/);
    assert.match(err, /"rain", which may be null/);
    const none = await show(module("export const x = 1;\n"));
    assert.match(none.err, /NoContracts: it has no contract/);
    writeFileSync(lockFile, "<<<<<<< HEAD");
    assert.match((await check(trips())).err, /LockInvalid: the lock .*cannot be used/);
    noLock();
  });

  it("are written for other tools, and read back", async () => {
    const file = trips();
    assert.match((await show(file, "trip")).out, /^# trip 1\.0\.0$/m);
    assert.match((await write(file, "ddl")).out, /^CREATE TABLE "trip" \(/);
    assert.match((await write(file, "json-schema")).out, /"title": "trip"/);
    const odcs = await write(file, "odcs");
    assert.match(odcs.out, /^apiVersion: v3\.1\.0$/m);
    const [document, back] = [join(cwd, "trip.odcs.yaml"), join(cwd, "back.ts")];
    writeFileSync(document, odcs.out);
    const taken = await read(document, back);
    assert.deepStrictEqual([taken.code, taken.out], [0, ""], taken.err);
    assert.match(taken.err, /all of the document is in the contract/);
    const [one, two] = [await show(file, undefined, true), await show(back, undefined, true)];
    assert.deepStrictEqual(JSON.parse(two.out), JSON.parse(one.out));
    const again = await read(document, back);
    assert.strictEqual(again.code, 2);
    assert.match(again.err, /back\.ts is there already/);
  });

  it("come from a published document, with what could not be taken", async () => {
    const example = join(root, "packages/core/fixtures/odcs/full-example.odcs.yaml");
    const out = join(cwd, "full.ts");
    const { code, err } = await read(example, out);
    assert.strictEqual(code, 0, err);
    assert.match(err, /! price: a contract of ml-pipe has no such field/);
    assert.match(err, /taken as known at the decision/);
    const list = await show(out);
    assert.match(list.out, /^receivers +1\.1\.0 +my-team/m);
    assert.match(list.out, /^tbl +1\.1\.0 +my-team/m);
    const lines = Array.from(
      { length: 9 },
      (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`,
    );
    const bomb = ["a0: &a0 [1]", ...lines].join("\n");
    for (const bad of ["kind: [", bomb, "kind: DataContract"]) {
      writeFileSync(join(cwd, "bad.yaml"), bad);
      assert.strictEqual((await read(join(cwd, "bad.yaml"))).code, 2, bad);
    }
    assert.strictEqual((await read(join(cwd, "absent.yaml"))).code, 2);
  });
});

describe("infer", () => {
  const rows = Array.from({ length: 200 }, (_, i) =>
    [
      i + 1,
      `2026-01-${String((i % 28) + 1).padStart(2, "0")} 10:${String(i % 60).padStart(2, "0")}:00`,
      `p${i}@example.org`,
      ["economy", "business"][i % 2],
      `AB-${100 + i}`,
      i % 7 === 0 ? "" : i / 4,
      i % 3 === 0,
    ].join(),
  );

  it("drafts a contract with the evidence for each line", async () => {
    const data = join(cwd, "bookings.csv");
    writeFileSync(data, ["id,bookedAt,email,cabin,flight,price,cancelled", ...rows].join("\n"));
    const { code, out, err } = await infer(data);
    assert.strictEqual(code, 0, err);
    for (const expected of [
      'export const Bookings = Contract.make("bookings", {',
      '  owner: "sales",',
      "    // 1 to 200, mean 100.5; no nulls; 200 values",
      "    id: Column.int({ min: 0 }),",
      "    bookedAt: Column.timestamp(),",
      '    // perhaps about a person: its name\n    email: Column.string({ classification: "personal", pattern: ',
      '    cabin: Column.string({ values: ["business", "economy"] }),',
      '    // every value is 2 capital letters, "-", 3 digits\n    flight: Column.string({ pattern: "[A-Z]{2}-\\\\d{3}" }),',
      "null in 29 rows (14.5 %)",
      "    price: Column.float({ min: 0, nullable: true }),",
      "    // named like an outcome, so no feature may read it",
      '    cancelled: Column.boolean({ availableAt: "outcome" }),',
      '  eventTime: "bookedAt",',
      '  key: ["id"],',
      "  minRows: 100,",
      "  // expectations that this file suggests; limits are those of independent rows:",
      '  //   Check.nullShare("price", { atMost: ',
      '  //   Check.mean("price", { between: [',
    ]) {
      assert.include(out, expected);
    }
    assert.notMatch(out, /todo/i);
    assert.notMatch(out, /Check\.(inSet|unique|mean\("id)/);
    const drafted = await show(module(out));
    assert.match(drafted.out, /^bookings +0\.1\.0 +sales/);
  });

  it("takes whether there is a telephone for no telephone, and 0 and 1 for yes or no", async () => {
    const data = join(cwd, "lines.csv");
    const flags = Array.from(
      { length: 40 },
      (_, i) => `${i % 2},${"mf"[i % 2]},+49 30 ${1000 + i}`,
    );
    writeFileSync(data, ["phone_service,sex,phone", ...flags].join("\n"));
    const { out, err } = await infer(data);
    assert.include(
      out,
      "    // as Column.boolean, if it means yes or no\n    phone_service: Column.int({ min: 0 }),",
      err,
    );
    assert.match(out, /sex: Column\.string\(\{ classification: "personal"/);
    assert.match(out, / phone: Column\.string\(\{ classification: "personal"/);
    assert.include(out, "// no event time: no column has an instant in every row");
  });

  it("drafts from JSON too, and leaves out what no contract has", async () => {
    const data = join(cwd, "events.ndjson");
    const lines = [1, 2, 3].map((n) =>
      JSON.stringify({ n, tags: ["a"], "a b": null, at: "2026-01-01" }),
    );
    writeFileSync(data, lines.join("\n"));
    const { code, out } = await infer(data);
    assert.strictEqual(code, 0);
    assert.match(out, /Left out: "tags", VARCHAR\[\]\. Write it as Column\.list/);
    assert.match(out, /Left out: "a b", JSON/);
    assert.strictEqual((await show(module(out))).code, 0);
  });

  it("finds a key of two columns where there is none of one", async () => {
    const data = join(cwd, "prices.csv");
    const lines = Array.from({ length: 60 }, (_, i) =>
      [`s${i % 6}`, `2026-01-${10 + Math.floor(i / 6)}`, i % 4].join(),
    );
    writeFileSync(data, ["shop,day,price", ...lines].join("\n"));
    const { out } = await infer(data);
    assert.match(out, /\/\/ no two rows have the same\n {2}key: \["shop", "day"\]/);
  });

  it("reads units and signs from names, and takes a time for a key only if nothing else is", async () => {
    const data = join(cwd, "sensors.csv");
    const lines = Array.from({ length: 40 }, (_, i) =>
      [`2026-01-01 00:${String(i).padStart(2, "0")}:00`, i % 5, i % 3, i % 4].join(),
    );
    const head = 'time,"Body Mass (g)",temperature,price_usd';
    writeFileSync(data, [head, ...lines].join("\n"));
    const { out } = await infer(data);
    assert.include(out, '"Body Mass (g)": Column.int({ unit: "g", min: 0 })');
    assert.include(out, "temperature: Column.int(),");
    assert.include(out, 'price_usd: Column.int({ unit: "usd", min: 0 })');
    assert.include(out, 'key: ["time"]');
  });

  it("takes no words for booleans that an ingest would refuse, and no minimum for minutes", async () => {
    const data = join(cwd, "weather.csv");
    const lines = Array.from({ length: 20 }, (_, i) => {
      const odd = i % 2 === 1;
      return [`d${i}`, odd ? "Yes" : "No", odd ? "TRUE" : "false", i % 3, i % 7, i % 9].join();
    });
    writeFileSync(data, ["day,rain,snow,temp_min,temp_max,sun_min", ...lines].join("\n"));
    const { out } = await infer(data);
    assert.include(out, 'rain: Column.string({ values: ["No", "Yes"] })');
    assert.include(out, '// as Column.boolean, read it with booleans: { true: ["yes"]');
    assert.include(out, "snow: Column.boolean(),");
    assert.include(out, "temp_min: Column.int(),");
    assert.include(out, 'sun_min: Column.int({ unit: "min", min: 0 })');
  });

  it("says what it cannot draft from", async () => {
    const cases: ReadonlyArray<readonly [string, string | Buffer | undefined, RegExp]> = [
      ["absent.csv", undefined, /there is no such file/],
      ["image.png", "x", /its name ends like none of/],
      ["broken.parquet", "not parquet", /no contract can be drafted from \S+broken\.parquet/],
      ["page.csv", "<!doctype html><p>Sign in", /it looks like a web page/],
      ["empty.csv", "", /it looks like an empty file/],
      ["header.csv", "id,name\n", /it has no row to draft from/],
      ["latin.csv", Buffer.from("id,name\n1,K\xf6ln\n", "latin1"), /it is no text in UTF-8/],
      ["ragged.csv", "id,name\n1,a\n2,b,c\n3,d\n", /CSV Error on Line: 3[^]*2,b,c/],
      ["quote.csv", 'a,b\n1,"x\n2,y\n', /quote/],
      ["cut.ndjson", '{"id":1}\n{"id":\n', /Malformed JSON/],
    ];
    for (const [name, content, expected] of cases) {
      if (content !== undefined) writeFileSync(join(cwd, name), content);
      const { code, err } = await infer(join(cwd, name));
      assert.strictEqual(code, 2);
      assert.match(err, expected);
      assert.notMatch(err, /CREATE OR REPLACE|Possible Solution/);
    }
    assert.match((await infer(cwd)).err, /its name ends like none of/);
  });
});
