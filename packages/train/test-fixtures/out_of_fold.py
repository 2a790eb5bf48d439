"""Writes out_of_fold.json: what scikit-learn says of rows out of fold, in the order of the rows.

Run: python out_of_fold.py > out_of_fold.json && npx oxfmt out_of_fold.json
Needs: scikit-learn (the version used is written into the file). Five folds, row i of n in fold 5i // n; a StandardScaler and a
model with a penalty of 1 fitted on the other four: LogisticRegression of breast cancer, Ridge of diabetes (unscaled), and
LogisticRegression of the three classes of wine, whose rows are taken in the order 0, 37, 74 … modulo their number.
"""
import json
import sys
from importlib.metadata import version

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def out_of_fold(model, features, labels, method):
    fold = 5 * np.arange(len(labels)) // len(labels)
    pipeline = make_pipeline(StandardScaler(), model)
    return cross_val_predict(pipeline, features, labels, cv=PredefinedSplit(fold), method=method)


logistic = LogisticRegression(C=1, tol=1e-12, max_iter=10000)
probability = out_of_fold(logistic, *load_breast_cancer(return_X_y=True), "predict_proba")[:, 1]
value = out_of_fold(Ridge(alpha=1.0, solver="cholesky"), *load_diabetes(return_X_y=True, scaled=False), "predict")
features, labels = load_wine(return_X_y=True)
order = np.arange(len(labels)) * 37 % len(labels)
newton = LogisticRegression(C=1, solver="newton-cg", tol=1e-12, max_iter=10000)
probabilities = out_of_fold(newton, features[order], labels[order], "predict_proba")
json.dump(
    {
        "origin": f"scikit-learn {version('scikit-learn')}",
        "probability": probability.tolist(),
        "value": value.tolist(),
        "probabilities": probabilities.tolist(),
    },
    sys.stdout,
)
