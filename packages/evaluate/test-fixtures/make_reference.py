"""Writes reference.json: what scikit-learn and numpy say about the decisions on 2,000 generated rows.

Run: python make_reference.py > reference.json && npx oxfmt reference.json
Needs: numpy scikit-learn (versions used are written into the file).
"""
import json
from importlib.metadata import version

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(20261124)
rows, days = 2000, 20
# The file holds rounded values, and the reference is computed from those.
x = np.round(rng.normal(0.0, 1.5, rows), 3)
day = np.arange(rows) // (rows // days)
# Days differ: without that a bootstrap over days would show nothing of its own.
shift = rng.normal(0.0, 0.3, days)[day]
label = (rng.random(rows) < 1 / (1 + np.exp(-(x - 1.0 + shift)))).astype(int)
origin = np.arange(rows) % 3

costs = {"truePositive": 15.0, "falsePositive": 15.0, "falseNegative": 60.0, "trueNegative": 0.0}
# Elkan 2001, equation 2.
threshold = (costs["falsePositive"] - costs["trueNegative"]) / (
    costs["falsePositive"] - costs["trueNegative"] + costs["falseNegative"] - costs["truePositive"]
)
probability = 1 / (1 + np.exp(-(x - 1.0)))


def cost_of(act):
    return np.where(
        act,
        np.where(label == 1, costs["truePositive"], costs["falsePositive"]),
        np.where(label == 1, costs["falseNegative"], costs["trueNegative"]),
    )


def ece(bins=10):
    """Naeini et al. 2015, equal-width bins (lower, upper]."""
    index = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    total = 0.0
    for one in range(bins):
        inside = index == one
        if inside.any():
            total += inside.mean() * abs(probability[inside].mean() - label[inside].mean())
    return total


model, baseline = cost_of(probability >= threshold), cost_of(x > 1.5)
gain = baseline - model


def percentiles(values, resamples=200_000):
    """Plain percentile interval of a bootstrap over days (equal days, so a mean of means)."""
    means = values.reshape(days, -1).mean(axis=1)
    drawn = means[rng.integers(0, days, (resamples, days))].mean(axis=1)
    return [float(v) for v in np.quantile(drawn, [0.025, 0.975])]


tn, fp, fn, tp = (int(v) for v in metrics.confusion_matrix(label, probability >= threshold).ravel())
print(
    json.dumps(
        {
            "origin": {
                "script": "make_reference.py",
                "versions": {name: version(name) for name in ["numpy", "scikit-learn"]},
            },
            "x": [float(v) for v in x],
            "labels": "".join(str(v) for v in label),
            "rowsPerDay": rows // days,
            "origins": 3,
            "expected": {
                "threshold": threshold,
                "cost": {
                    "model": float(model.mean()),
                    "baseline": float(baseline.mean()),
                    "neverAct": float(cost_of(np.zeros(rows, bool)).mean()),
                    "alwaysAct": float(cost_of(np.ones(rows, bool)).mean()),
                },
                "gain": float(gain.mean()),
                "gainPercentiles": percentiles(gain),
                "gainByOrigin": [float(gain[origin == one].mean()) for one in range(3)],
                "confusion": {"truePositive": tp, "falsePositive": fp, "falseNegative": fn, "trueNegative": tn},
                "rocAuc": float(metrics.roc_auc_score(label, probability)),
                "averagePrecision": float(metrics.average_precision_score(label, probability)),
                "logLoss": float(metrics.log_loss(label, probability)),
                "brierScore": float(metrics.brier_score_loss(label, probability)),
                "calibrationError": float(ece()),
                "costAtThresholds": [
                    [k / 10, float(cost_of(probability >= k / 10).mean())] for k in range(11)
                ],
            },
        }
    )
)
