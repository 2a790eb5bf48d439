"""Writes out_of_fold.json: the cross-validated probabilities of scikit-learn on its breast cancer data, in its order.

Run: python out_of_fold.py > out_of_fold.json && npx oxfmt out_of_fold.json
Needs: scikit-learn (the version used is written into the file). Five folds of consecutive rows, a StandardScaler and a
LogisticRegression (C = 1) fitted on the other four.
"""
import json
import sys
from importlib.metadata import version

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

features, labels = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression(C=1, tol=1e-12, max_iter=10000))
probability = cross_val_predict(model, features, labels, cv=KFold(5), method="predict_proba")[:, 1]
json.dump({"origin": f"scikit-learn {version('scikit-learn')}", "probability": [float(p) for p in probability]}, sys.stdout)
