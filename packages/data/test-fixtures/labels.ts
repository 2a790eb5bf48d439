/** cleanlab, krippendorff, scikit-learn, statsmodels, R irr, SAS and crowd-kit on labels: see labels.py. For tests only. */
import fixture from "./labels.json" with { type: "json" };

export const reference = fixture;
