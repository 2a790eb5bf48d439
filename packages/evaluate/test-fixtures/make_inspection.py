"""Figures of sklearn.inspection, scikit-learn 1.9.1 (NumPy 2): python make_inspection.py > inspection.json

A logistic model with given coefficients on 120 rows of three features, the second nearly a copy of the
first. Scores are the negative mean cost of deciding at 0.25 (15 when acting, 60 for a miss). The figures of
permutations are means over 2,000 of them, with the standard error of such a mean.
"""
import json
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import partial_dependence, permutation_importance

rng = np.random.default_rng(11)
rows = 120
a = rng.normal(0, 1.5, rows)
x = np.column_stack([a, a + rng.normal(0, 0.2, rows), rng.normal(0, 1, rows)])
coefficients, intercept = np.array([0.9, 0.7, -0.5]), -0.8
label = (rng.random(rows) < 1 / (1 + np.exp(-(x @ coefficients + intercept)))).astype(int)


class Given(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_, self.fitted_ = np.array([0, 1]), True
        return self

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-(x @ coefficients + intercept)))
        return np.column_stack([1 - p, p])

    def predict(self, x):
        return (self.predict_proba(x)[:, 1] >= 0.25).astype(int)


def score(model, x, y):
    acts = model.predict(x)
    return -np.mean(np.where(acts == 1, 15, 60 * y))


model = Given().fit(x, label)
found = permutation_importance(model, x, label, scoring=score, n_repeats=2000, random_state=0)
values = [-2.0, -1.0, 0.0, 0.5, 2.5]
curves = []
for feature in range(3):
    one = partial_dependence(model, x, [feature], kind="both", method="brute",
                             response_method="predict_proba", custom_values={feature: np.array(values)})
    curves.append({"mean": one["average"][0].tolist(), "rows": one["individual"][0][[0, 60]].tolist()})
print(json.dumps({
    "x": x.T.tolist(), "label": label.tolist(), "coefficients": coefficients.tolist(),
    "intercept": intercept, "cost": -score(model, x, label), "values": values, "curves": curves,
    "importance": found.importances_mean.tolist(),
    "standardError": (found.importances_std / np.sqrt(2000)).tolist()}))
