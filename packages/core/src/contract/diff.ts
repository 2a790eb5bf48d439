/** What differs between two versions of a contract, whom it breaks, and who must agree. */
import type { ColumnSpec } from "../Column.ts";
import * as Digest from "../Digest.ts";
import * as Similarity from "../Similarity.ts";
import { type Change, type ChangeKind, type Effect, type Found, sidesOf } from "./change.ts";
import { columnChanges, limit } from "./columnChanges.ts";
import { expectationChanges } from "./expectationChanges.ts";
import type { ContractSpec } from "./spec.ts";

/**
 * Every change from one version of a contract to another; empty if nothing that is promised differs.
 *
 * A change breaks consumers if data may come that they were promised would not, or that means something
 * else, and producers if data that they deliver would no longer be accepted. Rules follow the
 * compatibility of schema registries (what a reader of the old can read of the new, and the reverse),
 * and go on with what types do not say: units, time zones, when a value is known, who may see it, what
 * a row and a label are. Whoever a breaking change breaks must agree: consumers for the one, the owner
 * for the other.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 *
 * const version = (version: string, unit: string) =>
 *   Contract.make("trip", {
 *     version, owner: "fleet", consumers: ["prices"], columns: { length: Column.float({ unit }) },
 *   }).spec;
 * const [change] = Contract.diff(version("1.0.0", "km"), version("2.0.0", "mi"));
 * const breaks = change?.breaks; // ["consumers", "producers"]
 * ```
 */
export const diff = (before: ContractSpec, after: ContractSpec): ReadonlyArray<Change> => {
  if (Digest.canonicalJson(before) === Digest.canonicalJson(after)) return [];
  const renames = renamesOf(before.columns, after.columns);
  const was = renamed(before, renames);
  return [
    ...whoChanges(was, after),
    ...tableChanges(was, after),
    ...columnsChanges(before, after, renames),
    ...expectationChanges(was.expectations ?? [], after.expectations ?? []),
    ...volumeChanges(was, after),
  ].map((found) => ({ ...found, mustAgree: mustAgree(found, before, after) }));
};

/**
 * The teams that a change breaks. Where nobody is named as a consumer, the owner speaks for those whom
 * it does not know.
 */
const mustAgree = (
  { kind, breaks }: Found,
  before: ContractSpec,
  after: ContractSpec,
): ReadonlyArray<string> => {
  const owners = [before.owner, after.owner];
  const consumers =
    kind === "consumers"
      ? before.consumers.filter((consumer) => !after.consumers.includes(consumer))
      : [...before.consumers, ...after.consumers];
  return [
    ...new Set(
      breaks.flatMap((side) =>
        side === "producers" || consumers.length === 0 ? owners : consumers,
      ),
    ),
  ];
};

const whoChanges = (before: ContractSpec, after: ContractSpec): ReadonlyArray<Found> => [
  ...differs("contract-renamed", "name", before.name, after.name, () => [
    "replaced",
    `the contract "${before.name}" is called "${after.name}": contracts are told apart by name`,
  ]),
  ...differs("version", "version", before.version, after.version, () => [
    "compatible",
    `version ${before.version} is now ${after.version}`,
  ]),
  ...differs("description", "description", before.description, after.description, () => [
    "compatible",
    "the contract is described in other words",
  ]),
  ...differs("owner", "owner", before.owner, after.owner, () => [
    "tightened",
    `${after.owner} answers for the data instead of ${before.owner}`,
  ]),
  ...differs("consumers", "consumers", before.consumers, after.consumers, () => {
    const gone = before.consumers.filter((consumer) => !after.consumers.includes(consumer));
    const come = after.consumers.filter((consumer) => !before.consumers.includes(consumer));
    return gone.length > 0
      ? ["loosened", `${gone.join(", ")} would no longer be asked: they must say that they may go`]
      : ["compatible", come.length > 0 ? `${come.join(", ")} rely on it too` : "in another order"];
  }),
];

/** What a row is, when it happened, and what is predicted of it. */
const tableChanges = (before: ContractSpec, after: ContractSpec): ReadonlyArray<Found> => [
  ...differs("key", "key", before.key, after.key, judgeKey),
  ...differs("event-time", "eventTime", before.eventTime, after.eventTime, (was, is) =>
    is === undefined
      ? ["loosened", `"${was}" is no longer the event time: rows have no order in time`]
      : was === undefined
        ? [
            "replaced",
            `"${is}" is the event time: the table is split by time only, and no row may be later than its validation`,
          ]
        : [
            "replaced",
            `"${is}" is the event time instead of "${was}": rows happened at another instant`,
          ],
  ),
  ...differs("known-at", "knownAt", before.knownAt, after.knownAt, (was, is) =>
    is === undefined
      ? [
          "loosened",
          `"${was}" no longer says when a row could be read: histories would take rows that were not there yet`,
        ]
      : [
          "replaced",
          `"${is}" says when a row could be read${was === undefined ? "" : ` instead of "${was}"`}: histories take other rows`,
        ],
  ),
  ...differs("label", "label", before.label, after.label, (was, is) =>
    was === undefined
      ? ["compatible", `"${is}" is marked as what is predicted`]
      : [
          "loosened",
          `${is === undefined ? "nothing" : `"${is}"`} is predicted instead of "${was}": every model of it was trained on another question`,
        ],
  ),
  ...differs("group", "group", before.group, after.group, (was, is) => [
    "loosened",
    is === undefined
      ? `rows of one "${was}" may be in two parts of a split`
      : `splits keep rows of one "${is}" together${was === undefined ? "" : ` instead of "${was}"`}: parts have other rows, and scores are not comparable`,
  ]),
];

const judgeKey = (
  was: ReadonlyArray<string> | undefined,
  is: ReadonlyArray<string> | undefined,
): readonly [Effect, string] => {
  if (is === undefined) return ["loosened", `rows need no longer differ in ${was?.join(", ")}`];
  if (was === undefined) return ["tightened", `rows must differ in ${is.join(", ")}`];
  const fewer = is.every((name) => was.includes(name));
  const more = was.every((name) => is.includes(name));
  const words = `a row is one ${is.join(", ")} instead of one ${was.join(", ")}`;
  if (fewer && more) return ["compatible", "the key names its columns in another order"];
  // Rows that differ in fewer columns differ in more too, not the reverse.
  return [fewer ? "tightened" : more ? "loosened" : "replaced", words];
};

const volumeChanges = (before: ContractSpec, after: ContractSpec): ReadonlyArray<Found> => [
  ...differs("freshness", "freshnessMs", before.freshnessMs, after.freshnessMs, (was, is) =>
    limit(was, is, "at most") === "loosened"
      ? ["loosened", "data may be older than was promised"]
      : ["tightened", "data must be fresher than before"],
  ),
  ...differs("volume", "minRows", before.minRows, after.minRows, (was, is) =>
    limit(was, is, "at least") === "loosened"
      ? ["loosened", `there may be fewer than ${was} rows`]
      : ["tightened", `there must be ${is} rows at least`],
  ),
  ...differs("volume", "maxRows", before.maxRows, after.maxRows, (was, is) =>
    limit(was, is, "at most") === "loosened"
      ? ["loosened", `there may be more than ${was} rows`]
      : ["tightened", `there may be ${is} rows at most`],
  ),
];

const differs = <A extends string | number | ReadonlyArray<string> | undefined>(
  kind: ChangeKind,
  at: string,
  before: A,
  after: A,
  judge: (was: A, is: A) => readonly [Effect, string],
): ReadonlyArray<Found> => {
  const [was, is] = [before ?? null, after ?? null];
  if (Digest.canonicalJson(was) === Digest.canonicalJson(is)) return [];
  const [effect, why] = judge(before, after);
  return [{ kind, at, before: was, after: is, breaks: sidesOf[effect], why }];
};

const columnsChanges = (
  { columns: before }: ContractSpec,
  { columns: after }: ContractSpec,
  renames: ReadonlyMap<string, string>,
): ReadonlyArray<Found> => {
  const previous = new Map([...renames].map(([was, is]) => [is, was]));
  const removed = Object.entries(before).flatMap(([name, column]): ReadonlyArray<Found> =>
    Object.hasOwn(after, name) || renames.has(name)
      ? []
      : [
          {
            kind: "column-removed",
            at: `columns.${name}`,
            column: name,
            before: column,
            after: null,
            breaks: sidesOf.loosened,
            why: `"${name}" is gone: who reads it breaks`,
          },
        ],
  );
  const others = Object.entries(after).flatMap(([name, column]): ReadonlyArray<Found> => {
    const about = { at: `columns.${name}`, column: name };
    const earlier = previous.get(name) ?? name;
    const was = Object.hasOwn(before, earlier) ? before[earlier] : undefined;
    if (was === undefined) {
      return [
        {
          ...about,
          kind: "column-added",
          before: null,
          after: column,
          breaks: sidesOf.tightened,
          why: `"${name}" is new: a table without it is no longer accepted`,
        },
      ];
    }
    if (earlier === name) return columnChanges(name, was, column);
    const { renamedFrom: _, ...rest } = column;
    return [
      {
        ...about,
        kind: "column-renamed",
        before: earlier,
        after: name,
        breaks: sidesOf.replaced,
        why: `"${earlier}" is called "${name}": who writes or reads the old name breaks`,
      },
      ...columnChanges(name, withoutRename(was), rest),
    ];
  });
  return [...removed, ...others];
};

const withoutRename = ({ renamedFrom: _, ...column }: ColumnSpec): ColumnSpec => column;

/** New names by old ones: what a column says itself, then equal columns with similar names. */
const renamesOf = (
  before: ContractSpec["columns"],
  after: ContractSpec["columns"],
): ReadonlyMap<string, string> => {
  const removed = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const added = Object.entries(after).filter(([name]) => !Object.hasOwn(before, name));
  const renames = new Map<string, string>();
  const taken = new Set<string>();
  const take = (was: string, is: string) => {
    if (renames.has(was) || taken.has(is)) return;
    renames.set(was, is);
    taken.add(is);
  };
  for (const [name, { renamedFrom }] of added) {
    if (renamedFrom !== undefined && removed.includes(renamedFrom)) take(renamedFrom, name);
  }
  const alike = removed
    .flatMap((was) =>
      added.flatMap(([is, column]) => {
        const earlier = before[was];
        return earlier !== undefined && meaning(earlier) === meaning(column)
          ? [{ was, is, similarity: Similarity.ofNames(was, is) }]
          : [];
      }),
    )
    .filter(({ similarity }) => similarity >= 0.6)
    .toSorted((a, b) => b.similarity - a.similarity);
  for (const { was, is } of alike) take(was, is);
  return renames;
};

const meaning = ({ description: _, renamedFrom: __, ...column }: ColumnSpec): string =>
  Digest.canonicalJson(column);

/** The contract before, with the names that its columns have now wherever it mentions them. */
const renamed = (spec: ContractSpec, renames: ReadonlyMap<string, string>): ContractSpec => {
  if (renames.size === 0) return spec;
  const now = (name: string): string => renames.get(name) ?? name;
  const { eventTime, knownAt, label, group, key, expectations } = spec;
  return {
    ...spec,
    ...(eventTime === undefined ? {} : { eventTime: now(eventTime) }),
    ...(knownAt === undefined ? {} : { knownAt: now(knownAt) }),
    ...(label === undefined ? {} : { label: now(label) }),
    ...(group === undefined ? {} : { group: now(group) }),
    ...(key === undefined ? {} : { key: key.map(now) }),
    ...(expectations === undefined
      ? {}
      : {
          expectations: expectations.map((check) => ({
            ...check,
            columns: check.columns.map(now),
          })),
        }),
  };
};
