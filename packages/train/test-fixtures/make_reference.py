"""Writes reference.json: what scikit-learn makes of two data sets, for the tests of this package.

Run with scikit-learn 1.9.1 and NumPy 2.4.6 (`pip install scikit-learn==1.9.1`):

    python make_reference.py

Data:
- breast_cancer: Wisconsin diagnostic breast cancer, as shipped with scikit-learn (UCI Machine Learning
  Repository, Wolberg, Mangasarian, Street & Street 1995, CC BY 4.0). Test rows: every fourth. For the
  logistic regression every seventh value of every third feature is taken as missing.
- synthetic: 4,002 rows of 10 features made by arithmetic alone, so that the tests make the same bits
  (`synthetic()` here, `syntheticData` in the tests). 3,001 rows to train on share no factor with 255, so
  that no quantile falls on a jump, where NumPy's rounding decides which value is the boundary.
  Feature 2 is missing in part, more often for label 1.
"""

import json
import math
import pathlib

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mulberry import mulberry32


def synthetic(rows=4002):
    random = mulberry32(42)
    x, labels, values = [], [], []
    for _ in range(rows):
        r = [random() for _ in range(10)]
        score = 0.2 + 0.9 * (r[0] - 0.5) + 1.6 * (r[1] - 0.5) * (r[3] - 0.5)
        score += (0.3 if r[4] > 0.6 else 0) + 0.8 * (r[5] - 0.5) * (r[5] - 0.5)
        label = 1 if random() < score else 0
        if random() < (0.3 if label == 1 else 0.1):
            r[2] = math.nan
        x.append(r)
        labels.append(label)
        values.append(score + 0.1 * random())
    return np.array(x), np.array(labels), np.array(values)


def boosted(x, y, test, **options):
    model = HistGradientBoostingClassifier(early_stopping=False, **options).fit(x[~test], y[~test])
    p = model.predict_proba(x[test])[:, 1]
    return {
        "options": options,
        "testAuc": roc_auc_score(y[test], p),
        "testLogLoss": log_loss(y[test], p),
        "trainLogLoss": log_loss(y[~test], model.predict_proba(x[~test])[:, 1]),
        "predictions": [round(v, 5) for v in p],
    }


cancer = load_breast_cancer()
x, y = cancer.data, cancer.target
test = np.arange(len(y)) % 4 == 0
gaps = x.copy()
gaps[::7, ::3] = np.nan
logistic = make_pipeline(
    SimpleImputer(),
    StandardScaler(),
    LogisticRegression(C=1.0, tol=1e-12, max_iter=1000, solver="newton-cholesky"),
).fit(gaps[~test], y[~test])

sx, sy, sv = synthetic()
stest = np.arange(len(sy)) % 4 == 0
regressor = HistGradientBoostingRegressor(early_stopping=False).fit(sx[~stest], sv[~stest])

reference = {
    "origin": f"make_reference.py with scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
    "breastCancer": {
        "source": "scikit-learn's copy of UCI Wisconsin diagnostic breast cancer, CC BY 4.0",
        "featureNames": cancer.feature_names.tolist(),
        "columns": x.T.tolist(),
        "labels": y.tolist(),
        "boosted": boosted(x, y, test),
        "logistic": {
            "coefficients": logistic[-1].coef_[0].tolist(),
            "intercept": logistic[-1].intercept_[0],
            "predictions": [round(v, 8) for v in logistic.predict_proba(gaps[test])[:, 1]],
        },
    },
    "synthetic": {
        "boosted": boosted(sx, sy, stest),
        "regularised": boosted(
            sx, sy, stest, l2_regularization=5.0, max_leaf_nodes=8, learning_rate=0.2, max_iter=40
        ),
        "regression": {
            "testMse": mean_squared_error(sv[stest], regressor.predict(sx[stest])),
            "trainMse": mean_squared_error(sv[~stest], regressor.predict(sx[~stest])),
        },
    },
}
path = pathlib.Path(__file__).with_name("reference.json")
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
