import { it } from "@effect/vitest";
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as McNemar from "./McNemar.ts";

// scipy.stats.binomtest(losses, losses + wins, 0.5, alternative="greater").pvalue, SciPy 1.17.1.
it.each([
  [5, 0, 0.03125],
  [7, 3, 0.171875],
  [3, 7, 0.9453125],
  [1, 2, 0.875],
  [40, 25, 0.040840766970770014],
  [600, 550, 0.07422261755136539],
] as const)("%i losses and %i wins are as probable as SciPy says", (losses, wins, p) => {
  close(value(McNemar.exact({ losses, wins })), p, 1e-11);
});

it("is 1 where the two never differ, and refuses what is no count", () => {
  close(value(McNemar.exact({ losses: 0, wins: 0 })), 1);
  fails(McNemar.exact({ losses: -1, wins: 0 }), "outOfRange");
  fails(McNemar.exact({ losses: 0.5, wins: 0 }), "outOfRange");
  fails(McNemar.exact({ losses: 1e6, wins: 1 }), "outOfRange");
});
