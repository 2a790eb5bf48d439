"""Writes anomaly.json: one-step forecasts of Holt-Winters by statsmodels, and median absolute deviations by SciPy.

Run: python -P anomaly.py > anomaly.json && npx oxfmt anomaly.json
Needs: numpy scipy statsmodels (versions used are written into the file).
"""
import json
from importlib.metadata import version

import numpy as np
from scipy import stats
from statsmodels.tsa.holtwinters import ExponentialSmoothing

rng = np.random.default_rng(20261128)


def floats(values):
    return [float(v) for v in values]


def series(period, n, a, b, c):
    t = np.arange(n)
    values = np.round(100 + 0.4 * t + 8 * np.sin(2 * np.pi * t / period) + rng.normal(0, 2, n), 2)
    trend = (values[period:2 * period].mean() - values[:period].mean()) / period
    line = values[:period].mean() + trend * (np.arange(period) - (period - 1) / 2)
    seasons, level = values[:period] - line, line[-1]
    # The starting state stands before the first value that is smoothed.
    model = ExponentialSmoothing(values[period:], trend="add", seasonal="add", seasonal_periods=period,
                                 initialization_method="known", initial_level=level, initial_trend=trend,
                                 initial_seasonal=seasons)
    fit = model.fit(smoothing_level=a, smoothing_trend=b, smoothing_seasonal=c, optimized=False)
    return {"period": period, "values": floats(values), "level": a, "trend": b, "season": c,
            "next": float(fit.forecast(1)[0]), "squaredErrors": float(fit.sse)}


def deviation(values):
    return {"values": floats(values), "median": float(np.median(values)),
            "scaled": float(stats.median_abs_deviation(values) * 1.4826)}


print(json.dumps({
    "origin": "packages/data/test-fixtures/anomaly.py",
    "versions": {name: version(name) for name in ["numpy", "scipy", "statsmodels"]},
    "holtWinters": [series(7, 30, 0.3, 0.1, 0.2), series(4, 14, 0.8, 0.5, 0.4), series(12, 40, 0.05, 0.01, 0.6)],
    "deviations": [deviation(np.round(rng.normal(50, 4, 9), 2)), deviation(np.round(rng.gamma(2, 10, 20), 2))],
}, indent=None, separators=(",", ":"), allow_nan=False))
