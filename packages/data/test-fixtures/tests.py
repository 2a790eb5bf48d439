"""Writes tests.json: what SciPy, scikit-learn, statsmodels and dython say about small inputs.

Run: python -P tests.py > tests.json && npx oxfmt tests.json
Needs: numpy scipy scikit-learn statsmodels dython (versions used are written into the file).
-P keeps statistics.py beside it from being taken for the standard module.
"""
import json
from importlib.metadata import version

import numpy as np
from dython.nominal import cramers_v, theils_u
from scipy import special, stats
from sklearn.metrics import mutual_info_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

rng = np.random.default_rng(20261128)


def floats(values):
    return [float(v) for v in values]


def table(counts):
    counts = np.asarray(counts)
    chi2 = stats.chi2_contingency(counts, correction=False)
    g = stats.chi2_contingency(counts, correction=False, lambda_="log-likelihood")
    # One row of data for each count: dython takes columns, not tables.
    x = np.repeat(np.arange(counts.shape[0]), counts.sum(axis=1))
    y = np.concatenate([np.repeat(np.arange(counts.shape[1]), row) for row in counts])
    return {
        "counts": counts.tolist(),
        "chiSquare": float(chi2.statistic), "degreesOfFreedom": int(chi2.dof), "pValue": float(chi2.pvalue),
        "g": float(g.statistic), "gPValue": float(g.pvalue),
        "sparse": bool((chi2.expected_freq < 1).any() or (chi2.expected_freq < 5).mean() > 0.2),
        # dython corrects 2 x 2 tables for continuity, which we do not; statistics.py has those.
        "cramersV": None if counts.shape == (2, 2) else float(cramers_v(x, y, bias_correction=True)),
        "theilsU": float(theils_u(y, x)),
        "mutualInformation": float(mutual_info_score(None, None, contingency=counts) / np.log(2)),
        "entropy": float(stats.entropy(counts.sum(axis=0), base=2)),
    }


def pair(n, m, digits, shift):
    a, b = np.sort(np.round(rng.normal(0, 2, n), digits)), np.sort(np.round(rng.normal(shift, 2.5, m), digits))
    u = stats.mannwhitneyu(a, b, alternative="two-sided", method="asymptotic", use_continuity=True)
    d = float(stats.ks_2samp(a, b).statistic)
    return {
        "reference": floats(a), "current": floats(b),
        "u": float(u.statistic), "uPValue": float(u.pvalue),
        "ks": d, "ksExact": float(stats.ks_2samp(a, b, method="exact").pvalue),
    }


def correlated(n, digits):
    x = rng.normal(0, 1, n)
    y = np.round(np.exp(0.7 * x + rng.normal(0, 1, n)), digits)
    x = np.round(x, digits)
    return {"x": floats(x), "y": floats(y), "pearson": float(stats.pearsonr(x, y).statistic),
            "spearman": float(stats.spearmanr(x, y).statistic)}


def proportion(a, n, b, m):
    z, p = proportions_ztest([a, b], [n, m])
    return {"reference": {"successes": a, "trials": n}, "current": {"successes": b, "trials": m},
            "z": float(z), "pValue": float(p)}


def many(pvalues):
    return {"pValues": floats(pvalues), **{
        ours: floats(multipletests(pvalues, method=theirs)[1])
        for ours, theirs in [("bonferroni", "bonferroni"), ("holm", "holm"), ("benjamini-hochberg", "fdr_bh")]}}


def divergence(r, c):
    p, q = np.asarray(r) / np.sum(r), np.asarray(c) / np.sum(c)
    return {"reference": r, "current": c, "kullbackLeibler": float(stats.entropy(q, p))}


print(json.dumps({
    "origin": "packages/data/test-fixtures/tests.py",
    "versions": {name: version(name) for name in ["numpy", "scipy", "scikit-learn", "statsmodels", "dython"]},
    "tables": [
        table([[50, 50], [30, 70]]),
        table([[120, 300, 410, 260, 90], [100, 310, 380, 300, 140]]),
        table([[10, 1, 5, 2, 85], [1, 3, 7, 1, 40]]),
        table([[10, 20, 30], [6, 9, 17], [1, 0, 44], [12, 3, 8]]),
        table([[1000, 2000, 1500], [1000, 2000, 1500]]),
        table([[40000, 60000], [39000, 61000]]),
        table([[3, 0], [0, 5]]),
    ],
    "pairs": [pair(8, 9, 3, 1), pair(30, 45, 3, 0.5), pair(60, 60, 3, 0)],
    "limit": [{"t": t, "pValue": float(special.kolmogorov(t))} for t in [0.2, 0.5, 0.9, 0.99, 1.01, 1.36, 1.63, 3, 5]],
    "correlated": [correlated(12, 3), correlated(60, 1)],
    "proportions": [proportion(50, 100, 30, 100), proportion(3, 1000, 9, 1200), proportion(5, 10, 5, 10)],
    "many": [many([0.01, 0.04, 0.03]), many([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.9]), many([0.2])],
    "divergences": [divergence([50, 50], [30, 70]), divergence([120, 300, 410, 260, 90], [100, 310, 380, 300, 140])],
}, indent=None, separators=(",", ":"), allow_nan=False))
