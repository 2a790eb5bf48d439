"""Writes profile.json: what NumPy and SciPy say about small generated columns.

Run: python profile.py > profile.json && npx oxfmt profile.json
Needs: numpy scipy (versions used are written into the file).
"""
import json
from importlib.metadata import version

import numpy as np
from scipy import stats

rng = np.random.default_rng(20261128)
shares = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]


def column(name, values, sql=None):
    values = np.asarray(values, float)
    edges = np.unique(np.round(np.quantile(values, [0.2, 0.5, 0.9]), 1))
    return {
        "name": name,
        # A formula of u, over the 10,007 rows of `formulas`, or the values themselves.
        **({"sql": sql} if sql else {"values": [float(v) for v in values]}),
        "mean": float(values.mean()),
        "standardDeviation": float(values.std(ddof=1)),
        "skewness": float(stats.skew(values)),
        "kurtosis": float(stats.kurtosis(values)),
        "quantiles": [{"p": p, "value": float(np.quantile(values, p, method="inverted_cdf"))} for p in shares],
        "distinct": int(len(np.unique(values))),
        "edges": [float(e) for e in edges],
        "histogram": [int(c) for c in np.histogram(values, np.concatenate([[-np.inf], edges, [np.inf]]))[0]],
    }


def formula(name, sql):
    u = (np.arange(10007) * 7919 % 10007) / 10007
    return column(name, eval(sql, {"u": u, "exp": np.exp, "sin": np.sin, "pow": np.power}), sql)


print(json.dumps({
    "origin": "packages/data/test-fixtures/profile.py",
    "versions": {name: version(name) for name in ["numpy", "scipy"]},
    "listed": [
        column("normal", np.round(rng.normal(0, 1, 120), 3)),
        column("small whole numbers", rng.poisson(4, 120)),
        column("negative and zero", np.concatenate([-np.round(rng.gamma(2, 30, 60), 2), np.zeros(20)])),
        column("tiny", rng.exponential(1, 30) * 1e-12),
    ],
    "formulas": [
        formula("skewed", "exp(4 * u) - 10"),
        formula("heavy tails", "pow((u - 0.5) * 2, 9) * 1000"),
        formula("far from zero", "2000 + 25 * sin(7 * u)"),
        formula("tiny", "-u * 1e-12"),
    ],
}, indent=None, separators=(",", ":"), allow_nan=False))
