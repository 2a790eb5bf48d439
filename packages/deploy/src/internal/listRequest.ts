/** Requests for a list: who asks, and what they have met that the release does not know of. */
import type { Column, Contract } from "@ml-pipe/core";
import type { Interactions } from "@ml-pipe/data";

/** The field of a request with the items that the user has met since. */
export const metField = "met";

const missing = { type: "missing column", nullable: false, availableAt: "decision" } as const;

/**
 * The contract of a request: the user, as the interactions call and type them, and items. Both may be null. Throws
 * a `TypeError` where names could not be told from numbers.
 */
export const contractOf = (
  name: string,
  { contract, spec }: Interactions.Interactions<Contract.Contract>,
): Contract.ContractSpec => {
  const named = (column: string): Column.PartSpec => {
    const { type, ...found } = contract.spec.columns[column] ?? missing;
    if (type === "int" || type === "string") return { ...found, type };
    throw new TypeError(
      `deploy: "${column}" of "${spec.name}" is a ${type}, and a request names users and items by text or whole numbers`,
    );
  };
  if (spec.user === metField) {
    throw new TypeError(
      `deploy: a request has a field "${metField}" of its own; call the column of users otherwise`,
    );
  }
  const { version, owner } = contract.spec;
  return {
    name: `${name}-request`,
    version,
    owner,
    consumers: [],
    columns: {
      [spec.user]: {
        ...named(spec.user),
        nullable: true,
        availableAt: "decision",
        description: "who asks; null for nobody in particular",
      },
      [metField]: {
        type: "list",
        items: { type: named(spec.item).type, nullable: false, availableAt: "decision" },
        nullable: true,
        availableAt: "decision",
        description: "items that the user has met since the release was made: they are not shown",
      },
    },
  };
};
