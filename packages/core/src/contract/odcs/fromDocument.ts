/** Contracts from a document of ODCS. */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { CheckSpec } from "../../Check.ts";
import { type Contract, fromSpec } from "../../Contract.ts";
import { problemsOf } from "../problems.ts";
import type { ContractSpec } from "../spec.ts";
import { custom, timeUnits } from "./names.ts";
import { check, type Property, readProperty } from "./property.ts";
import {
  customOf,
  type Notes,
  note,
  noteOthers,
  type Part,
  part,
  parts,
  text,
  type Unmapped,
} from "./reading.ts";
import { readRule } from "./rules.ts";

export { Unmapped } from "./reading.ts";

/** A document that is none of ODCS 3, or that describes contracts that contradict themselves. */
export class OdcsInvalid extends Schema.TaggedError<OdcsInvalid>()("OdcsInvalid", {
  problems: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const lines = this.problems.map((problem) => `  - ${problem}`);
    return `the document is no contract of ODCS 3 that can be read:\n${lines.join("\n")}`;
  }
}

/** A contract that was read, and what of the document is not in it. */
export interface Imported {
  readonly contract: Contract;
  readonly unmapped: ReadonlyArray<Unmapped>;
}

/** What {@link fromDocument} can be told beside the document. */
export interface FromOptions {
  /** Who answers for the data. Default: the team, or its member with that role. */
  readonly owner?: string;
}

/**
 * The contracts of a document of ODCS 3: one for each of its objects. Types, nulls, keys, limits,
 * classification, library metrics, queries of one figure and latency are taken, each where a contract
 * says the same; all else is listed, with the reason. Fails with {@link OdcsInvalid}, naming every
 * problem.
 *
 * @example
 * ```ts
 * import { Odcs } from "@ml-pipe/core";
 * import * as Result from "effect/Result";
 *
 * const found = Odcs.fromDocument({
 *   kind: "DataContract", apiVersion: "v3.1.0", id: "t", version: "1.0.0", status: "active",
 *   team: { name: "fleet" },
 *   schema: [{ name: "trip", properties: [{ name: "km", logicalType: "number", required: true }] }],
 * });
 * const names = Result.map(found, (all) => all.map(({ contract }) => contract.name)); // ["trip"]
 * ```
 */
export const fromDocument = (
  json: unknown,
  options: FromOptions = {},
): Result.Result<ReadonlyArray<Imported>, OdcsInvalid> => {
  const shared: Notes = { unmapped: [], problems: [] };
  const document = part(shared, "", json);
  // Nothing else can be said of what is no object.
  if (shared.problems.length > 0)
    return Result.fail(new OdcsInvalid({ problems: shared.problems }));
  const apiVersion = text(shared, document, "apiVersion") ?? "";
  if (text(shared, document, "kind") !== "DataContract") {
    shared.problems.push('kind: expected "DataContract"');
  }
  if (!/^v3\.\d/.test(apiVersion)) {
    shared.problems.push(`apiVersion: expected v3, found "${apiVersion}"`);
  }
  const objects = parts(shared, document, "schema");
  if (objects.length === 0) shared.problems.push("schema: expected one object at least");
  const about = readAbout(shared, document, objects, options);
  const read = objects.map((object) => readObject(document, object, about));
  const problems = [...shared.problems, ...read.flatMap(({ problems }) => problems)];
  if (problems.length > 0) return Result.fail(new OdcsInvalid({ problems }));
  return Result.succeed(
    read.map(({ spec, unmapped }) => ({
      contract: fromSpec(spec),
      unmapped: [...shared.unmapped, ...unmapped],
    })),
  );
};

/** What all objects of a document have in common. */
type About = Pick<ContractSpec, "version" | "owner" | "consumers"> & {
  readonly description: string | undefined;
};

const readAbout = (
  notes: Notes,
  document: Part,
  objects: ReadonlyArray<Part>,
  options: FromOptions,
): About => {
  const described = document.fields["description"];
  const description =
    described === undefined || described === null
      ? undefined
      : part(notes, "description", described);
  if (description !== undefined) noteOthers(notes, description, ["purpose"]);
  customOf(notes, document, []);
  const consumers = parts(notes, document, "roles").flatMap((role) => {
    const access = text(notes, role, "access");
    if (access !== undefined && !/read/i.test(access)) {
      note(notes, role, "role", "not taken as a consumer: it does not read");
      return [];
    }
    noteOthers(notes, role, ["id", "role", "access"]);
    return text(notes, role, "role") ?? [];
  });
  const names = new Set(objects.map(({ fields }) => fields["name"]));
  for (const field of ["id", "name"]) {
    const value = text(notes, document, field);
    if (value !== undefined && !names.has(value)) {
      note(notes, document, field, "a contract is called as its object");
    }
  }
  const status = text(notes, document, "status");
  if (status !== undefined && status !== "active") {
    note(notes, document, "status", "a contract has no status: it holds as soon as it is used");
  }
  noteOthers(notes, document, [
    "kind",
    "apiVersion",
    "id",
    "name",
    "version",
    "status",
    "description",
    "schema",
    "team",
    "roles",
    "slaProperties",
    "customProperties",
    "domain",
  ]);
  return {
    version: text(notes, document, "version") ?? "",
    owner: options.owner ?? ownerOf(notes, document) ?? "",
    consumers: [...new Set(consumers)],
    description: description === undefined ? undefined : text(notes, description, "purpose"),
  };
};

/** The team's name, or its member who owns the data, or the domain. */
const ownerOf = (notes: Notes, document: Part): string | undefined => {
  const { team } = document.fields;
  const whole =
    Array.isArray(team) || team === undefined || team === null
      ? undefined
      : part(notes, "team", team);
  const members =
    whole === undefined ? parts(notes, document, "team") : parts(notes, whole, "members");
  if (whole !== undefined) noteOthers(notes, whole, ["id", "name", "members"]);
  const owner = members.find(
    ({ fields: { role } }) => typeof role === "string" && /owner/i.test(role),
  );
  const named = whole === undefined ? undefined : text(notes, whole, "name");
  for (const member of members) {
    if (named !== undefined || member !== owner) {
      note(notes, member, "username", "a contract names the team that owns it, not its members");
    }
  }
  return named ?? (owner && text(notes, owner, "username")) ?? text(notes, document, "domain");
};

const readObject = (document: Part, object: Part, about: About) => {
  const notes: Notes = { unmapped: [], problems: [] };
  const name = text(notes, object, "name") ?? "";
  const properties = parts(notes, object, "properties").flatMap(
    (property) => readProperty(notes, property) ?? [],
  );
  const rules = parts(notes, object, "quality").map((rule) => readRule(notes, rule));
  const own = customOf(notes, object, Object.values(custom));
  const description =
    text(notes, object, "description") ?? text(notes, object, "businessName") ?? about.description;
  noteOthers(notes, object, [
    "id",
    "name",
    "businessName",
    "description",
    "logicalType",
    "physicalType",
    "properties",
    "quality",
    "customProperties",
  ]);
  if (properties.some(({ saysWhen }) => !saysWhen)) {
    const silent = properties.filter(({ saysWhen }) => !saysWhen).map(({ name }) => name);
    notes.unmapped.push({
      at: `${object.at}.properties`,
      value: silent,
      why: 'the document does not say when these are known: they are taken as known at the decision. Mark those that are not with availableAt: "outcome"',
    });
  }
  const sla = readSla(notes, document, name, properties);
  const key = keyOf(properties);
  const checks = [
    ...properties.flatMap(({ name, checks, isUnique }) => [
      ...checks,
      // Of the only column of a key, the key says it.
      ...(isUnique && key?.join() !== name ? [check("unique", name, {})] : []),
    ]),
    ...rules.flatMap(({ checks = [] }) => checks),
  ];
  const expectations =
    checks.length > 0 ? named(checks) : own[custom.expectations] === undefined ? undefined : [];
  const [minRows, maxRows] = [
    rules.flatMap(({ minRows }) => minRows ?? [])[0],
    rules.flatMap(({ maxRows }) => maxRows ?? [])[0],
  ];
  const [eventTime = sla.eventTime, knownAt, label, group] = [
    own[custom.eventTime],
    own[custom.knownAt],
    own[custom.label],
    own[custom.group],
  ].map((value) => (typeof value === "string" ? value : undefined));
  const spec: ContractSpec = {
    name,
    version: about.version,
    owner: about.owner,
    consumers: about.consumers,
    ...(description === undefined ? {} : { description }),
    columns: Object.fromEntries(properties.map(({ name, column }) => [name, column])),
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(knownAt === undefined ? {} : { knownAt }),
    ...(label === undefined ? {} : { label }),
    ...(group === undefined ? {} : { group }),
    ...(key === undefined ? {} : { key }),
    ...(expectations === undefined ? {} : { expectations }),
    ...(sla.freshnessMs === undefined ? {} : { freshnessMs: sla.freshnessMs }),
    ...(minRows === undefined ? {} : { minRows }),
    ...(maxRows === undefined ? {} : { maxRows }),
  };
  const problems = problemsOf(spec).map((problem) => `${object.at} (${name}): ${problem}`);
  return { spec, unmapped: notes.unmapped, problems: [...notes.problems, ...problems] };
};

const keyOf = (properties: ReadonlyArray<Property>): ReadonlyArray<string> | undefined => {
  const key = properties
    .flatMap(({ name, keyPosition }) => (keyPosition === undefined ? [] : [{ name, keyPosition }]))
    .toSorted((a, b) => a.keyPosition - b.keyPosition || 0)
    .map(({ name }) => name);
  return key.length === 0 ? undefined : key;
};

/** Names of expectations are unique in a contract; those of the standard need not be. */
const named = (checks: ReadonlyArray<CheckSpec>): ReadonlyArray<CheckSpec> => {
  const taken = new Set<string>();
  return checks.map((check) => {
    let name = check.name;
    for (let count = 2; taken.has(name); count++) name = `${check.name}-${count}`;
    taken.add(name);
    return name === check.name ? check : { ...check, name };
  });
};

/** How old the newest event may be: the latency of this object, or of all. */
const readSla = (
  notes: Notes,
  document: Part,
  object: string,
  properties: ReadonlyArray<Property>,
): { readonly freshnessMs?: number; readonly eventTime?: string } => {
  let found: { readonly freshnessMs: number; readonly eventTime?: string } | undefined;
  for (const sla of parts(notes, document, "slaProperties")) {
    const property = text(notes, sla, "property") ?? "";
    const element = text(notes, sla, "element");
    const dot = element?.lastIndexOf(".") ?? -1;
    const of = element === undefined || dot < 0 ? undefined : element.slice(0, dot);
    if (of !== undefined && of !== object) continue;
    const millis = millisOf(sla.fields["value"], text(notes, sla, "unit"));
    if (
      !/^(?:latency|ly|freshness)$/i.test(property) ||
      millis === undefined ||
      found !== undefined
    ) {
      note(
        notes,
        sla,
        "property",
        "a contract promises the age of its newest event, in days or less",
      );
      continue;
    }
    noteOthers(notes, sla, ["id", "property", "value", "unit", "element", "description"]);
    const column = element?.slice(dot + 1);
    const isTime = properties.some(
      ({ name, column: { type } }) => name === column && type === "timestamp",
    );
    found = {
      freshnessMs: millis,
      ...(column !== undefined && isTime ? { eventTime: column } : {}),
    };
  }
  return found ?? {};
};

const spelled = new Map([
  ["w", 7 * 86_400_000],
  ["week", 7 * 86_400_000],
  ["day", 86_400_000],
  ["hr", 3_600_000],
  ["hour", 3_600_000],
  ["m", 60_000],
  ["minute", 60_000],
  ["sec", 1000],
  ["second", 1000],
  ["millisecond", 1],
  ...timeUnits,
]);

const millisOf = (value: unknown, unit = ""): number | undefined => {
  const word = unit.toLowerCase();
  const millis = spelled.get(word) ?? spelled.get(word.replace(/s$/, ""));
  const amount = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof amount === "number" && Number.isFinite(amount) && millis !== undefined
    ? amount * millis
    : undefined;
};
