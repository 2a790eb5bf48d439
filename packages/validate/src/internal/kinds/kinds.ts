/** All kinds of checks by name, a file for each family. */
import { comparisonKinds } from "./comparisonKinds.ts";
import { distributionKinds } from "./distributionKinds.ts";
import type { Kind } from "./Kind.ts";
import { rowKinds } from "./rowKinds.ts";
import { statisticKinds } from "./statisticKinds.ts";
import { tableKinds } from "./tableKinds.ts";
import { valueKinds } from "./valueKinds.ts";

/** The kinds by name. */
export const kinds: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    ...valueKinds,
    ...rowKinds,
    ...comparisonKinds,
    ...statisticKinds,
    ...distributionKinds,
    ...tableKinds,
  }),
);
