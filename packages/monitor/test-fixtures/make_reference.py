"""Writes reference.json: what numpy and SciPy say about a generated release over 14 days.

Run: python make_reference.py > reference.json && npx oxfmt reference.json
Needs: numpy scipy (versions used are written into the file).
"""
import json
from importlib.metadata import version

import numpy as np
from scipy.spatial import distance

rng = np.random.default_rng(20261125)
train_days, live_days, per_day, window = 21, 14, 100, 7
costs = {"truePositive": 15.0, "falsePositive": 15.0, "falseNegative": 60.0, "trueNegative": 0.0}
threshold = 0.25


def values(days, shift, missing):
    """The file holds rounded values, and the reference is computed from those; NaN is missing."""
    x = np.round(rng.normal(0, 1.5, days * per_day) + np.repeat(shift, per_day), 3)
    x[rng.random(len(x)) < np.repeat(missing, per_day)] = np.nan
    return x


train = values(train_days, np.zeros(train_days), np.full(train_days, 0.02))
moved = np.where(np.arange(live_days) >= 9, 1.2, 0.0)
lost = np.where(np.arange(live_days) >= 11, 0.2, 0.02)
live = values(live_days, moved, lost)
filled = np.nan_to_num(live, nan=0.0)
probability = 1 / (1 + np.exp(-(filled - 1)))
label = (rng.random(len(live)) < probability).astype(float)
# On the last day three in ten outcomes are not known yet.
label[-per_day:][rng.random(per_day) < 0.3] = np.nan

deciles = np.unique(np.nanquantile(train, np.arange(1, 10) / 10, method="inverted_cdf"))


def counts(x):
    """Bins (lower, upper] between the deciles of the training data; the last is of missing values."""
    inside = np.searchsorted(deciles, x[~np.isnan(x)], side="left")
    return np.append(np.bincount(inside, minlength=len(deciles) + 1), np.isnan(x).sum())


def weekdays(days):
    """Both periods begin on a Monday; the last two bins are other values and missing ones."""
    return np.append(np.bincount(np.asarray(days) % 7, minlength=7), [0, 0]) * per_day


def psi(reference, current, floor=0.0001):
    r, c = reference / reference.sum(), current / current.sum()
    differ = r != c
    r, c = np.where(r == 0, floor, r), np.where(c == 0, floor, c)
    return float(np.sum(((c - r) * np.log(c / r))[differ]))


def drift(reference, by_train_day, of_live):
    """`of_live` gives the counts of a range of live days."""
    usual = max(psi(reference, one) for one in by_train_day)
    found = []
    for day in range(live_days):
        alone = of_live(day, day + 1)
        trailing = psi(reference, of_live(day + 1 - window, day + 1)) if day + 1 >= window else None
        found.append(
            {
                "dayPsi": psi(reference, alone),
                "usualDayPsi": usual,
                "windowPsi": trailing,
                "drift": max(trailing or 0.0, psi(reference, alone) - usual, 0.0),
                "jensenShannon": float(
                    distance.jensenshannon(reference / reference.sum(), alone / alone.sum(), base=2)
                ),
            }
        )
    return found


def rows(x, a, b):
    return x[a * per_day : b * per_day]


def cost_of(act, y):
    return np.where(
        act,
        np.where(y == 1, costs["truePositive"], costs["falsePositive"]),
        np.where(y == 1, costs["falseNegative"], costs["trueNegative"]),
    )


days = []
for day in range(live_days):
    y, p, x = (rows(one, day, day + 1) for one in (label, probability, live))
    known = ~np.isnan(y)
    cost = float(cost_of(p >= threshold, y)[known].mean())
    # A rule with a missing value has no answer, and does not act.
    baseline = float(cost_of(np.nan_to_num(x, nan=-9) > 1.5, y)[known].mean())
    days.append(
        {
            "labelled": int(known.sum()),
            "meanPredicted": float(p.mean()),
            "observedRate": float(y[known].mean()),
            "calibrationGap": float(p[known].mean() - y[known].mean()),
            "cost": cost,
            "baselineCost": baseline,
            "gain": baseline - cost,
        }
    )


def listed(x):
    return [None if np.isnan(v) else float(v) for v in x]


print(
    json.dumps(
        {
            "origin": {
                "script": "make_reference.py",
                "versions": {name: version(name) for name in ["numpy", "scipy"]},
            },
            "rowsPerDay": per_day,
            "train": listed(train),
            "live": listed(live),
            "labels": "".join("?" if np.isnan(v) else str(int(v)) for v in label),
            "expected": {
                "days": days,
                "x": drift(
                    counts(train),
                    [counts(rows(train, d, d + 1)) for d in range(train_days)],
                    lambda a, b: counts(rows(live, a, b)),
                ),
                "weekday": drift(
                    weekdays(range(train_days)),
                    [weekdays([d]) for d in range(train_days)],
                    lambda a, b: weekdays(range(a, b)),
                ),
            },
        }
    )
)
