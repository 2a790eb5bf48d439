import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Cron from "effect/Cron";
import * as Schema from "effect/Schema";
import * as Graph from "./Graph.ts";
import { charter } from "./internal/charter.fixture.ts";
import { source } from "./internal/engine.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Trigger from "./Trigger.ts";

/** Looks at instants, one after the other; gives what each found. */
const looks = (
  { spec }: Trigger.Trigger,
  observations: ReadonlyArray<Trigger.Observation>,
): ReadonlyArray<ReadonlyArray<string>> => {
  let state: Trigger.TriggerState | undefined;
  return observations.map((observation) => {
    const due = Trigger.due(spec, state, observation);
    state = due.state;
    return due.occurrences;
  });
};

const clock = (...times: ReadonlyArray<string>) =>
  times.map((time): Trigger.Observation => ({ kind: "cron", now: new Date(time) }));

const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }));

/** What is due between two instants, looking every so many minutes. */
const every = (trigger: Trigger.Trigger, from: string, to: string, minutes: number) => {
  const times: Array<string> = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += minutes * 60_000) {
    times.push(new Date(at).toISOString());
  }
  return looks(trigger, clock(...times)).flat();
};

describe("cron", () => {
  const daily = Trigger.cron("0 6 * * *");

  it("is due at its instants, once, and not at the first look", () => {
    const found = looks(
      daily,
      clock(
        "2026-11-24T06:00Z",
        "2026-11-25T05:59:59Z",
        "2026-11-25T06:00Z",
        "2026-11-25T06:00Z",
        "2026-11-25T06:00:05Z",
        "2026-11-26T06:00:05Z",
      ),
    );
    assert.deepStrictEqual(found, [
      [],
      [],
      ["2026-11-25T06:00:00.000Z"],
      [],
      [],
      ["2026-11-26T06:00:00.000Z"],
    ]);
  });

  it("is not due again where the clock goes back", () => {
    const found = looks(
      daily,
      clock("2026-11-24T05:00Z", "2026-11-24T06:01Z", "2026-11-24T05:30Z", "2026-11-24T06:01Z"),
    );
    assert.deepStrictEqual(found, [[], ["2026-11-24T06:00:00.000Z"], [], []]);
  });

  describe("missed", () => {
    const down = clock("2026-11-20T05:00Z", "2026-11-24T07:00Z", "2026-11-25T06:00:30Z");
    const missed = (missed: "latest" | "skip" | "all") =>
      looks(Trigger.cron("0 6 * * *", { missed }), down);
    const last = ["2026-11-25T06:00:00.000Z"];

    it("latest: the newest", () => {
      assert.deepStrictEqual(missed("latest"), [[], ["2026-11-24T06:00:00.000Z"], last]);
    });
    it("skip: none", () => {
      assert.deepStrictEqual(missed("skip"), [[], [], last]);
    });
    it("all: each, and each runs", () => {
      const days = [20, 21, 22, 23, 24].map((day) => `2026-11-${day}T06:00:00.000Z`);
      assert.deepStrictEqual(missed("all"), [[], days, last]);
      assert.strictEqual(Trigger.cron("0 6 * * *", { missed: "all" }).spec.pending, "all");
      assert.strictEqual(daily.spec.pending, "latest");
    });
    it("all: the newest thousand", () => {
      const trigger = Trigger.cron("* * * * *", { missed: "all" });
      const [, found = []] = looks(trigger, clock("2025-01-01T00:00Z", "2026-01-01T00:00Z"));
      assert.lengthOf(found, 1000);
      assert.strictEqual(found.at(-1), "2026-01-01T00:00:00.000Z");
      assert.strictEqual(found[0], "2025-12-31T07:21:00.000Z");
    });
  });

  describe("in Berlin, when the clock is put forward", () => {
    const from = "2026-03-28T12:00Z";
    const to = "2026-03-30T12:00Z";
    const on = (expression: string) =>
      every(Trigger.cron(expression, { timeZone: "Europe/Berlin" }), from, to, 7);

    it("a time that does not exist is the same distance after the jump", () => {
      const found = ["2026-03-29T01:30:00.000Z", "2026-03-30T00:30:00.000Z"];
      assert.deepStrictEqual(on("30 2 * * *"), found);
      // Also for who begins to watch inside the hour after it.
      const trigger = Trigger.cron("30 2 * * *", { timeZone: "Europe/Berlin" });
      assert.deepStrictEqual(every(trigger, "2026-03-29T01:10Z", to, 7), found);
      // The library alone would overlook it.
      const calendar = Cron.parseUnsafe("30 2 * * *", "Europe/Berlin");
      assert.deepStrictEqual(Cron.next(calendar, "2026-03-29T01:10Z"), new Date(found[1] ?? ""));
    });
    it("one that falls together with another runs once", () => {
      assert.deepStrictEqual(on("30 2,3 * * *"), [
        "2026-03-29T01:30:00.000Z",
        "2026-03-30T00:30:00.000Z",
        "2026-03-30T01:30:00.000Z",
      ]);
    });
    it("what runs every hour runs every hour that passes", () => {
      assert.lengthOf(on("15 * * * *"), 48);
    });
  });

  describe("in Berlin, when the clock is put back", () => {
    const on = (expression: string, repeated?: "first" | "second" | "both") =>
      every(
        Trigger.cron(expression, {
          timeZone: "Europe/Berlin",
          ...(repeated === undefined ? {} : { repeated }),
        }),
        "2026-10-24T23:00Z",
        "2026-10-25T05:00Z",
        3,
      );
    const [first, second] = ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"];

    it("a time that is shown twice means the first, unless asked for otherwise", () => {
      assert.deepStrictEqual(on("30 2 * * *"), [first]);
      assert.deepStrictEqual(on("30 2 * * *", "second"), [second]);
      assert.deepStrictEqual(on("30 2 * * *", "both"), [first, second]);
    });
    it("what runs every hour runs every hour that passes", () => {
      assert.lengthOf(on("30 * * * *"), 6);
      assert.lengthOf(on("30 * * * *", "first"), 5);
    });
  });

  it.effect.prop(
    "looking more often finds the same instants, each once (property)",
    {
      step: upTo(200),
      at: upTo(4),
      expression: upTo(4),
    },
    ({ step, at, expression }) =>
      Effect.sync(() => {
        const days = ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-07-01"];
        const expressions = [
          "30 2 * * *",
          "*/20 * * * *",
          "*/7 1-3 * * *",
          "0 0 * * 0",
          "5 1,2 * * *",
        ];
        const zones = [
          "Europe/Berlin",
          "Europe/Berlin",
          "America/New_York",
          "America/New_York",
          "UTC",
        ];
        const from = `${days[at]}T00:00:00.000Z`;
        const to = new Date(Date.parse(from) + 3 * 86_400_000).toISOString();
        const trigger = Trigger.cron(expressions[expression] ?? "", {
          timeZone: zones[at] ?? "",
          missed: "all",
        });
        const seldom = looks(trigger, clock(from, to)).flat();
        const last = every(trigger, from, to, step + 20);
        const until = seldom.filter((one) => one <= (last.at(-1) ?? ""));
        assert.deepStrictEqual(last, until);
        assert.strictEqual(new Set(seldom).size, seldom.length);
        assert.deepStrictEqual(seldom, seldom.toSorted());
      }),
    { arbitrary: { runs: 15 } },
  );

  it("says what is wrong with it", () => {
    const problem = (expression: string, timeZone?: string) => {
      try {
        Trigger.cron(expression, timeZone === undefined ? {} : { timeZone });
      } catch (error) {
        return String(error);
      }
      return "nothing";
    };
    assert.match(problem("0 6 * *"), /"cron 0 6 \* \* UTC".*segments.*Give minute/);
    assert.match(problem("0 6 * * *", "Mars/Olympus"), /time zone/);
    assert.match(problem("0 0 30 2 *"), /no instant is ever like/);
    assert.strictEqual(problem("0 6 29 2 *"), "nothing");
  });

  it("says when it is due next", () => {
    const { spec } = Trigger.cron("0 6 * * *", { timeZone: "Europe/Berlin" });
    const now = new Date("2026-11-24T07:00Z");
    assert.deepStrictEqual(Trigger.next(spec, now), new Date("2026-11-25T05:00Z"));
    assert.isUndefined(Trigger.next(Trigger.newFile("*").spec, now));
  });
});

describe("newFile", () => {
  const look = (
    second: number,
    ...files: ReadonlyArray<
      readonly [path: string, bytes: number, changed: number, digest?: string]
    >
  ): Trigger.Observation => ({
    kind: "newFile",
    now: new Date(second * 1000),
    files: files.map(([path, bytes, changed, digest]) => ({
      path,
      bytes,
      changedMs: changed * 1000,
      ...(digest === undefined ? {} : { digest: `sha256-${digest.padEnd(64, "0")}` }),
    })),
  });
  const name = (path: string, digest: string, changed: number) =>
    `${path} sha256-${digest.padEnd(12, "0")} ${new Date(changed * 1000).toISOString()}`;
  const trigger = Trigger.newFile("*.csv", { settle: "5 seconds" });

  it("is due for a file that appears, once it has settled", () => {
    const found = looks(trigger, [
      look(0),
      look(10, ["a", 1, 9, "aa"]),
      look(12, ["a", 5, 12, "bb"]),
      look(16, ["a", 5, 12, "bb"]),
      look(17, ["a", 5, 12, "bb"]),
      look(30, ["a", 5, 12, "bb"]),
    ]);
    assert.deepStrictEqual(found, [[], [], [], [], [name("a", "bb", 12)], []]);
  });

  it("is not due for one whose content could not be read as it settled", () => {
    const found = looks(trigger, [
      look(0),
      look(10, ["a", 1, 9]),
      look(20, ["a", 1, 9]),
      look(21, ["a", 1, 9, "aa"]),
    ]);
    assert.deepStrictEqual(found, [[], [], [], [name("a", "aa", 9)]]);
  });

  it("compares content: what is only touched, or comes back as it was, is not new", () => {
    const found = looks(trigger, [
      look(0),
      look(10, ["a", 1, 9, "aa"]),
      look(20, ["a", 1, 9, "aa"]),
      look(30, ["a", 1, 25, "aa"]),
      look(40, ["a", 1, 25, "aa"]),
      look(50),
      look(60, ["a", 1, 55, "aa"]),
      look(70, ["a", 1, 55, "aa"]),
      look(80, ["a", 1, 77, "bb"]),
      look(90, ["a", 1, 77, "bb"]),
    ]);
    assert.deepStrictEqual(found.flat(), [name("a", "aa", 9), name("a", "bb", 77)]);
  });

  it("leaves alone what is there at the first look, until it changes", () => {
    const observations = [
      look(0, ["a", 1, 0, "aa"], ["b", 1, 0, "bb"]),
      look(10, ["a", 1, 0, "aa"], ["b", 2, 9, "b2"]),
      look(20, ["a", 1, 0, "aa"], ["b", 2, 9, "b2"]),
    ];
    assert.deepStrictEqual(looks(trigger, observations).flat(), [name("b", "b2", 9)]);
    const all = Trigger.newFile("*.csv", { existing: "run" });
    assert.deepStrictEqual(looks(all, observations), [
      [],
      [name("a", "aa", 0)],
      [name("b", "b2", 9)],
    ]);
  });

  it("waits anew where the clock goes back", () => {
    const found = looks(trigger, [
      look(0),
      look(100, ["a", 1, 9, "aa"]),
      look(50, ["a", 1, 9, "aa"]),
      look(54, ["a", 1, 9, "aa"]),
      look(55, ["a", 1, 9, "aa"]),
    ]);
    assert.deepStrictEqual(found, [[], [], [], [], [name("a", "aa", 9)]]);
  });

  it("stays in the folder", () => {
    for (const glob of ["", "/data/*", "../*", "data/../../*", "C:\\data\\*"]) {
      assert.throws(() => Trigger.newFile(glob), /below the folder/);
    }
    assert.throws(() => Trigger.newFile("*", { settle: "Infinity" }), /never settle/);
    Trigger.newFile("data/..*");
  });
});

describe("count", () => {
  const trigger = Trigger.count("rows", { of: Effect.succeed(0), atLeast: 10 });
  const counts = (...counts: ReadonlyArray<number>) =>
    counts.map((count): Trigger.Observation => ({ kind: "count", count }));

  it("is due when there is so much more than the last time", () => {
    assert.deepStrictEqual(looks(trigger, counts(100, 109, 110, 119, 125, 135)), [
      [],
      [],
      ["110 (number 1)"],
      [],
      ["125 (number 2)"],
      ["135 (number 3)"],
    ]);
  });

  it("counts from the bottom after a fall, and the same count again is another occurrence", () => {
    assert.deepStrictEqual(looks(trigger, counts(0, 10, 0, 10)).flat(), [
      "10 (number 1)",
      "10 (number 2)",
    ]);
  });

  it("may count what is there at first", () => {
    const all = Trigger.count("rows", { of: Effect.succeed(0), atLeast: 10, existing: "run" });
    assert.deepStrictEqual(looks(all, counts(12, 13)), [["12 (number 1)"], []]);
  });

  it("refuses to run always", () => {
    for (const atLeast of [0, -1, NaN, Infinity]) {
      assert.throws(() => Trigger.count("rows", { of: Effect.succeed(0), atLeast }), /above 0/);
    }
  });
});

describe("signal", () => {
  const seen = (
    ...signals: ReadonlyArray<readonly [run: string, day: number, value: number, from?: string]>
  ): Trigger.Observation => ({
    kind: "signal",
    pipeline: "train",
    seen: {
      cursor: 0,
      signals: signals.map(([run, day, value, pipeline = "watch"]) => ({
        run,
        pipeline,
        stage: "monitor",
        signal: "Drift",
        value,
        at: new Date(Date.UTC(2026, 0, day)),
      })),
    },
  });
  const trigger = Trigger.signal("Drift", { atLeast: 0.2 });
  const name = (run: string, day: number) =>
    `${run}/monitor Drift ${new Date(Date.UTC(2026, 0, day)).toISOString()}`;

  it("is due for observations at or above the value, each once, however often it is repeated", () => {
    const found = looks(trigger, [
      seen(["a", 1, 0.9]),
      seen(["b", 1, 0.9], ["b", 2, 0.1], ["b", 3, 0.2]),
      seen(["c", 2, 0.9], ["c", 3, 0.2]),
      seen(["d", 4, 0.3], ["d", 4, 0.4], ["d", 5, 0.19]),
      seen(),
    ]);
    assert.deepStrictEqual(found, [[], [name("b", 3)], [], [name("d", 4)], []]);
  });

  it("does not hear its own pipeline or another signal, unless told to", () => {
    const own = [seen(), seen(["a", 1, 1, "train"])];
    assert.deepStrictEqual(looks(trigger, own).flat(), []);
    const from = Trigger.signal("Drift", { atLeast: 0.2, from: ["train"] });
    assert.deepStrictEqual(looks(from, own).flat(), [name("a", 1)]);
    assert.deepStrictEqual(looks(from, [seen(), seen(["a", 1, 1])]).flat(), []);
    const other = Trigger.signal("Skew", { atLeast: 0 });
    assert.deepStrictEqual(looks(other, [seen(), seen(["a", 1, 1])]).flat(), []);
  });

  it("refuses a value that is none", () => {
    assert.throws(() => Trigger.signal("Drift", { atLeast: NaN }), /a value of NaN/);
  });
});

describe("a pipeline", () => {
  const make = (...triggers: ReadonlyArray<Trigger.Trigger<never>>) =>
    Pipeline.make("p", { charter, triggers }, () => ({ one: source("one", 1).stage() }));

  it("shows its triggers on the graph", () => {
    const trigger = Trigger.cron("0 6 * * *", { name: "daily" });
    assert.deepStrictEqual(Graph.of(make(trigger)).triggers, [trigger.spec]);
    assert.notProperty(Graph.of(make()), "triggers");
  });

  it("refuses two of one name", () => {
    const twice = Trigger.newFile("*");
    assert.throws(() => make(twice, twice), /two triggers "new \*"/);
  });
});

it("what it is shown must be of its kind", () => {
  const { spec } = Trigger.newFile("*");
  assert.throws(() => Trigger.due(spec, undefined, { kind: "count", count: 1 }), /was shown/);
});
