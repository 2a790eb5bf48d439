"""Reference figures for lists, from implementations other than ours.

    python3 -m venv venv
    venv/bin/pip install pandas==2.3.3 scikit-learn==1.9.1 inequality==1.1.2 rbo==0.1.3 && venv/bin/pip install --no-deps recommenders==1.2.1
    venv/bin/python recommend.py > recommend.json

- ndcg, recall, precision, coverage, novelty (historical item novelty), diversity (cosine of item features):
  Microsoft's recommenders 1.2.1
- concentration: Gini of PySAL's inequality 1.1.2
- rank-biased overlap: rbo 0.1.3, extrapolated, p = 0.9
"""

import json
import warnings

import numpy as np
import pandas as pd
from inequality.gini import Gini
from rbo import RankingSimilarity
from recommenders.evaluation import python_evaluation as evaluation

warnings.simplefilter("ignore")
rng = np.random.default_rng(11)
users, items, at = 12, 16, 5
tags = ["a", "b", "c", "d", "e"]
tagged = {i: sorted(rng.choice(tags, size=rng.integers(1, 4), replace=False).tolist()) for i in range(items)}

train, test, first, second = [], [], [], []
for user in range(users):
    order = rng.permutation(items).tolist()
    met, rest = order[: 3 + user % 3], order[3 + user % 3 :]
    train += [(user, item) for item in met]
    test += [(user, item) for item in rest[: 2 + user % 4]]
    first += [(user, item, rank + 1) for rank, item in enumerate(rng.permutation(rest)[:at].tolist())]
    second += [(user, item, rank + 1) for rank, item in enumerate(sorted(rest)[:at])]
# Every item was met by somebody, so that the catalogue is that of the train table.
there = {item for _, item in train}
train += [(0, item) for item in range(items) if item not in there and (0, item) not in train]
met_by_first = {item for user, item in train if user == 0}
first = [row for row in first if row[0] != 0 or row[1] not in met_by_first]
second = [row for row in second if row[0] != 0 or row[1] not in met_by_first]
test = [row for row in test if row[0] != 0 or row[1] not in met_by_first]


def frame(rows, columns):
    return pd.DataFrame(rows, columns=columns)


names = dict(col_user="userID", col_item="itemID")
df_train = frame(train, ["userID", "itemID"])
df_test = frame([(u, i, 1.0) for u, i in test], ["userID", "itemID", "rating"])
features = pd.DataFrame({
    "itemID": list(range(items)),
    "features": [np.array([float(t in tagged[i]) for t in tags]) for i in range(items)],
})


def figures(rows):
    # Scores fall with the rank.
    lists = frame([(u, i, float(-r)) for u, i, r in rows], ["userID", "itemID", "prediction"])
    shown = lists[["userID", "itemID"]]
    judged = dict(col_prediction="prediction", k=at, **names)
    counts = np.array([(shown.itemID == item).sum() for item in range(items)])
    return {
        "ndcg": evaluation.ndcg_at_k(df_test, lists, **judged),
        "recall": evaluation.recall_at_k(df_test, lists, **judged),
        "precision": evaluation.precision_at_k(df_test, lists, **judged),
        "coverage": evaluation.catalog_coverage(df_train, shown, **names),
        "novelty": evaluation.novelty(df_train, shown, **names),
        "diversity": evaluation.diversity(
            df_train, shown, item_feature_df=features, item_sim_measure="item_feature_vector", **names
        ),
        "concentration": Gini(counts.astype(float)).g,
    }


by_user = {u: ([i for v, i, _ in first if v == u], [i for v, i, _ in second if v == u]) for u in range(users)}
overlap = np.mean([RankingSimilarity(a, b).rbo_ext(p=0.9) for a, b in by_user.values() if a and b])

print(json.dumps({
    "origin": "recommend.py, recommenders 1.2.1, inequality 1.1.2, rbo 0.1.3, pandas " + pd.__version__,
    "at": at,
    "train": train, "test": test, "tags": ["|".join(tagged[i]) for i in range(items)],
    "first": {"lists": first, **figures(first)},
    "second": {"lists": second, **figures(second)},
    "rankBiased": float(overlap),
}, default=float))
