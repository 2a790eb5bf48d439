"""Differences of rates by statsmodels 0.15.0 (NumPy 2, SciPy 1.17.1): python rates.py > rates.json

A regression of the hit on the group with standard errors clustered by block is the same estimator; its
small-sample factor is set to K / (K - 1) and its quantile to Student's with K - 1 degrees.
means: the same of costs, which are any number.
mover: the score intervals of two rates joined (Newcombe's method 10) is the method for independent rows.
"""
import json
import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

rng = np.random.default_rng(5)
cases = []
for blocks, size in ((3, 40), (12, 30), (60, 9), (400, 1)):
    shift = rng.normal(0, 0.15, blocks)
    block = np.repeat(np.arange(blocks), size)
    group = rng.integers(0, 2, blocks * size)
    hit = (rng.random(blocks * size) < 0.4 + 0.15 * group + shift[block]).astype(int)
    fit = sm.OLS(hit, sm.add_constant(group)).fit(
        cov_type="cluster", cov_kwds={"groups": block, "use_correction": False})
    se = float(np.sqrt(fit.cov_params()[1, 1] * blocks / (blocks - 1)))
    reach = stats.t.ppf(0.975, blocks - 1) * se
    count = lambda g, of: [int(x) for x in np.bincount(block[group == g], of[group == g], blocks)]
    ones = np.ones(blocks * size)
    cases.append({
        "first": {"trials": count(1, ones), "hits": count(1, hit)},
        "second": {"trials": count(0, ones), "hits": count(0, hit)},
        "estimate": float(fit.params[1]), "lower": float(fit.params[1] - reach),
        "upper": float(fit.params[1] + reach)})
mover = []
for a, n, b, m in ((56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 4, 25)):
    one, two = proportion_confint(a, n, method="wilson"), proportion_confint(b, m, method="wilson")
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb")
    mover.append({"first": [a / n, *map(float, one)], "second": [b / m, *map(float, two)],
                  "lower": float(low), "upper": float(high)})
means = []
for blocks, size in ((5, 30), (40, 6)):
    block = np.repeat(np.arange(blocks), size)
    group = rng.integers(0, 2, blocks * size)
    cost = np.round(rng.gamma(2, 3, blocks * size) + 2 * group + rng.normal(0, 1, blocks)[block], 3)
    fit = sm.OLS(cost, sm.add_constant(group)).fit(
        cov_type="cluster", cov_kwds={"groups": block, "use_correction": False})
    se = float(np.sqrt(fit.cov_params()[1, 1] * blocks / (blocks - 1)))
    reach = stats.t.ppf(0.975, blocks - 1) * se
    of = lambda g: {"counts": [int(x) for x in np.bincount(block[group == g], minlength=blocks)],
                    "sums": np.bincount(block[group == g], cost[group == g], blocks).tolist()}
    means.append({"first": of(1), "second": of(0), "estimate": float(fit.params[1]),
                  "lower": float(fit.params[1] - reach), "upper": float(fit.params[1] + reach)})
print(json.dumps({"cases": cases, "mover": mover, "means": means}))
