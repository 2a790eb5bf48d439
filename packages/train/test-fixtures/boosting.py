"""Writes boosting.json: what scikit-learn and LightGBM make of the data of boosting.ts.

Run with scikit-learn 1.9.1, LightGBM 4.7.0 and NumPy 2.4.6:

    python boosting.py

Data:
- synthetic: `mixed()` here and `mixedData` in boosting.ts make the same 4,000 rows by arithmetic alone.
  Numbers are multiples of 1/128, so that no library has to choose bin boundaries; columns 5 and 6 are
  codes of 12 and 40 categories. Every fourth row is a test row.
- wine: as shipped with scikit-learn (UCI Machine Learning Repository, Aeberhard & Forina 1991, CC BY 4.0).
- diabetes: as shipped with scikit-learn, not scaled (Efron, Hastie, Johnstone & Tibshirani 2004, "Least angle
  regression"). Test rows of both: every fourth.
"""

import json
import math
import pathlib

import lightgbm
import numpy as np
import sklearn
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    ndcg_score,
    roc_auc_score,
)

from mulberry import mulberry32


def mixed(rows=4000):
    random = mulberry32(7)
    x, out = [], {name: [] for name in ["binary", "kind", "value", "count", "relevance", "weight"]}
    for _ in range(rows):
        r = [random() for _ in range(5)]
        number = [math.floor(v * 128) / 128 for v in r]
        a, b, c, d, e = number
        f = math.floor(random() * 12)
        g = math.floor(random() * random() * 40)
        noise = random()
        effect = ((f * 5) % 12) / 12 + ((g * 7) % 40) / 80
        value = a + 0.5 * b * b - 0.4 * (c - 0.5) + effect + 0.5 * noise
        scores = [a + noise * 0.3, b + 0.6 * random(), 0.9 * effect + 0.5 * random()]
        out["binary"].append(1 if value > 1.6 + 0.3 * random() else 0)
        out["kind"].append(int(np.argmax(scores)))
        out["value"].append(value)
        out["count"].append(math.floor(3 * value * random()))
        out["relevance"].append(min(4, max(0, math.floor((value - 0.6) * 2 + 0.8 * random()))))
        out["weight"].append(1 + math.floor(random() * 4))
        x.append([math.nan if random() < 0.1 and j == 2 else v for j, v in enumerate(number)] + [f, g])
    return np.array(x), {name: np.array(values) for name, values in out.items()}


x, y = mixed()
test = np.arange(len(x)) % 4 == 0
numbers = x[:, :5]
fixed = {"early_stopping": False, "max_iter": 60}
categories = {"categorical_features": [5, 6]}
constraints = [1, 1, -1, 0, 0]


def classified(x, y, test, weight=None, **options):
    weight = None if weight is None else weight[~test]
    model = HistGradientBoostingClassifier(**{**fixed, **options})
    model.fit(x[~test], y[~test], sample_weight=weight)
    p = model.predict_proba(x[test])
    return {
        "trainLoss": log_loss(y[~test], model.predict_proba(x[~test]), sample_weight=weight),
        "testLoss": log_loss(y[test], p),
        "testAccuracy": accuracy_score(y[test], p.argmax(axis=1)),
    }


def regressed(x, y, test, metric, weight=None, **options):
    model = HistGradientBoostingRegressor(**{**fixed, **options})
    model.fit(x[~test], y[~test], sample_weight=None if weight is None else weight[~test])
    p = model.predict(x[test])
    return {
        "trainLoss": metric(
            y[~test], model.predict(x[~test]), sample_weight=None if weight is None else weight[~test]
        ),
        "testLoss": metric(y[test], p),
    }


def pinball(y, p, sample_weight=None):
    return mean_pinball_loss(y, p, alpha=0.9, sample_weight=sample_weight)


def monotone():
    model = HistGradientBoostingClassifier(**fixed, monotonic_cst=[1, 0, -1, 0, 0]).fit(
        numbers[~test], y["binary"][~test]
    )
    p = model.predict_proba(numbers[test])[:, 1]
    return {
        "testAuc": roc_auc_score(y["binary"][test], p),
        "testLoss": log_loss(y["binary"][test], p),
    }


def ranked(size=10):
    """Queries are runs of ten rows; every fourth is for testing.

    LightGBM estimates the rows of a leaf from its hessians, which differ between rows here: min_data_in_leaf
    means something else than a number of rows. So the leaves are limited by their hessians.
    """
    query = np.arange(len(x)) // size
    held = query % 4 == 0
    parameters = {
        "objective": "lambdarank",
        "min_data_in_bin": 1,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 10,
        "num_leaves": 8,
        "lambdarank_truncation_level": 5,
        "num_threads": 1,
        "deterministic": True,
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        numbers[~held], y["relevance"][~held], group=[size] * len(np.unique(query[~held]))
    )
    model = lightgbm.train(parameters, data, num_boost_round=60)

    def ndcg(part, rounds=60):
        scores = model.predict(numbers[part], num_iteration=rounds).reshape(-1, size)
        gains = (2.0 ** y["relevance"][part] - 1).reshape(-1, size)
        differ = gains.max(axis=1) > gains.min(axis=1)
        order = np.argsort(-scores[differ], axis=1, kind="stable")
        return ndcg_score(
            np.take_along_axis(gains[differ], order, 1), [range(size, 0, -1)] * sum(differ), k=5
        )

    return {"trainNdcgAfterTwo": ndcg(~held, 2), "trainNdcg": ndcg(~held), "testNdcg": ndcg(held)}


wine = load_wine()
diabetes = load_diabetes(scaled=False)
wine_test = np.arange(len(wine.target)) % 4 == 0
diabetes_test = np.arange(len(diabetes.target)) % 4 == 0

reference = {
    "origin": f"boosting.py with scikit-learn {sklearn.__version__}, LightGBM {lightgbm.__version__}, NumPy {np.__version__}",
    "softmax": classified(numbers, y["kind"], test),
    # With weights, because without them all hessians of the first round are equal, and whether a category of ten
    # rows has the support that it needs (10) is decided by rounding: scikit-learn computes 9.999999999999998
    # for one class, 10.0 for another.
    "softmaxCategorical": classified(x, y["kind"], test, weight=y["weight"], **categories),
    "binaryCategorical": classified(x, y["binary"], test, **categories),
    "squaredCategorical": regressed(x, y["value"], test, mean_squared_error, **categories),
    "squaredWeighted": regressed(numbers, y["value"], test, mean_squared_error, weight=y["weight"]),
    "poisson": regressed(numbers, y["count"], test, mean_poisson_deviance, loss="poisson"),
    "absolute": regressed(numbers, y["value"], test, mean_absolute_error, loss="absolute_error"),
    "absoluteCount": regressed(numbers, y["count"], test, mean_absolute_error, loss="absolute_error"),
    "quantile": regressed(numbers, y["value"], test, pinball, loss="quantile", quantile=0.9),
    # Its leaf values, medians and quantiles, do not keep to the constraints; its structure does.
    "absoluteMonotone": regressed(
        numbers, y["value"], test, mean_absolute_error, loss="absolute_error", monotonic_cst=constraints
    ),
    "quantileMonotone": regressed(
        numbers, y["value"], test, pinball, loss="quantile", quantile=0.9, monotonic_cst=constraints
    ),
    "monotone": monotone(),
    "ranking": ranked(),
    "wine": {
        "columns": wine.data.T.tolist(),
        "labels": wine.target.tolist(),
        **classified(wine.data, wine.target, wine_test, min_samples_leaf=5),
    },
    "diabetes": {
        "columns": diabetes.data.T.tolist(),
        "labels": diabetes.target.tolist(),
        **regressed(diabetes.data, diabetes.target, diabetes_test, mean_squared_error),
    },
}
path = pathlib.Path(__file__).with_name("boosting.json")
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
for name, r in reference.items():
    if isinstance(r, dict):
        print(name, {k: v for k, v in r.items() if isinstance(v, float)})
