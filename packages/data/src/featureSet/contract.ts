/** The contract of the table that a feature set makes. */
import { Column, Contract } from "@ml-pipe/core";
import { type FeatureSetSpec, labelKind } from "./spec.ts";

/** Features, kept columns and the label, with what the source says of time, group and key. */
export const contractOf = (spec: FeatureSetSpec): Contract.Contract => {
  const feature = Column.float({ nullable: true }).spec;
  const { decidedAt, source } = spec;
  const kept = spec.keep.map((name) => [name, source.columns[name] ?? feature] as const);
  const { group, key } = source;
  return Contract.fromSpec({
    name: spec.name,
    version: spec.version,
    owner: source.owner,
    consumers: [],
    columns: {
      ...Object.fromEntries(spec.features.map((one) => [one.name, feature])),
      ...Object.fromEntries(kept),
      label: labelColumn(spec),
    },
    label: "label",
    ...(decidedAt === undefined ? {} : { eventTime: decidedAt }),
    ...(group === undefined ? {} : { group }),
    ...(key?.every((column) => spec.keep.includes(column)) === true ? { key } : {}),
  });
};

/** The column of the label. Where a column of the source is the label, with its unit or its values. */
const labelColumn = (spec: FeatureSetSpec): Column.ColumnSpec => {
  const outcome = { availableAt: "outcome", nullable: true } as const;
  const of = spec.label._tag === "column" ? spec.source.columns[spec.label.name] : undefined;
  switch (labelKind(spec)) {
    case "boolean":
      return Column.boolean(outcome).spec;
    case "number":
      return Column.float({ ...outcome, ...(of?.unit === undefined ? {} : { unit: of.unit }) })
        .spec;
    case "text":
      return Column.string({
        ...outcome,
        ...(of?.values === undefined ? {} : { values: of.values }),
      }).spec;
  }
};
