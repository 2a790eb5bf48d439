"""Figures of fairlearn, with scikit-learn (versions in the result): python make_fairness.py > fairness.json

Of each group: the mean absolute error and the bias of predicted numbers; how often one of two favourable
choices among three is chosen (of all rows, where that is right, and where it is wrong), and what choices cost.
demographic_parity_ratio is what the four-fifths rule asks for.
"""
import json
from importlib.metadata import version
import numpy as np
from fairlearn.metrics import (MetricFrame, demographic_parity_ratio, false_positive_rate, selection_rate,
                               true_positive_rate)
from sklearn.metrics import mean_absolute_error

rng = np.random.default_rng(23)
rows = 240
group = rng.integers(0, 3, rows)
day = rng.integers(0, 20, rows)
actual = np.round(rng.normal(30, 8, rows), 2)
predicted = np.round(actual + rng.normal(0, 3, rows) + 3 * (group == 2), 2)
label = rng.integers(0, 3, rows)
chosen = np.where(rng.random(rows) < 0.6 + 0.1 * group, label, rng.integers(0, 3, rows))
costs = np.array([[0, 1, 4], [2, 0, 3], [5, 1, 0]])
favourable = [1, 2]


def by_group(metric, true, found):
    return MetricFrame(metrics=metric, y_true=true, y_pred=found, sensitive_features=group).by_group.tolist()


right, acts = np.isin(label, favourable).astype(int), np.isin(chosen, favourable).astype(int)
print(json.dumps({
    "versions": {name: version(name) for name in ("fairlearn", "scikit-learn", "numpy")},
    "group": group.tolist(), "day": day.tolist(), "actual": actual.tolist(), "predicted": predicted.tolist(),
    "label": label.tolist(), "chosen": chosen.tolist(), "costs": costs.ravel().tolist(), "favourable": favourable,
    "absolute": by_group(mean_absolute_error, actual, predicted),
    "bias": by_group(lambda true, found: float(np.mean(found - true)), actual, predicted),
    "choiceCost": by_group(lambda true, found: float(np.mean(costs[true, found])), label, chosen),
    "selection": by_group(selection_rate, right, acts),
    "truePositive": by_group(true_positive_rate, right, acts),
    "falsePositive": by_group(false_positive_rate, right, acts),
    "parityRatio": float(demographic_parity_ratio(right, acts, sensitive_features=group))}))
