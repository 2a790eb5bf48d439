"""Writes near_duplicates.json: which rows cleanlab's Datalab calls near-duplicates.

Run: python near_duplicates.py > near_duplicates.json && npx oxfmt near_duplicates.json
Needs: cleanlab[datalab] (the version used is written into the file). Two features, scaled so that their quartiles (the
smallest value with at least a quarter, and three quarters, of the values at or below it) are one apart.
"""
import json
import sys
from contextlib import redirect_stdout
from importlib.metadata import version

import numpy as np
from cleanlab import Datalab

rng = np.random.default_rng(20261128)
features = rng.normal(size=(300, 2))
features[280:] = features[:20] + rng.normal(size=(20, 2)) * 0.002
for column in features.T:
    ascending = np.sort(column)
    column /= ascending[np.ceil(0.75 * 300).astype(int) - 1] - ascending[np.ceil(0.25 * 300).astype(int) - 1]
with redirect_stdout(sys.stderr):
    lab = Datalab(data={"y": rng.integers(0, 2, 300)}, label_name="y")
    lab.find_issues(features=features, issue_types={"near_duplicate": {}})
issues = lab.get_issues("near_duplicate")["is_near_duplicate_issue"].to_numpy()
json.dump({"origin": f"cleanlab {version('cleanlab')}", "features": features.T.tolist(), "near": np.flatnonzero(issues).tolist()}, sys.stdout)
