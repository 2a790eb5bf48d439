"""Writes statistics.json: what scikit-learn, SciPy, statsmodels and confidenceinterval say about small generated inputs.

Run: python statistics.py > statistics.json && npx oxfmt statistics.json
Needs: numpy scipy scikit-learn statsmodels confidenceinterval (versions used are written into the file).
"""
import json
from importlib.metadata import version

import numpy as np
from confidenceinterval.delong import delong_roc_variance
from scipy import stats
from scipy.integrate import quad
from scipy.spatial import distance
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20261124)


def floats(values):
    return [float(v) for v in values]


def delong(labels, first, second=None):
    """DeLong et al. 1988 by its definition: the m x n matrix of psi."""
    labels = np.asarray(labels)

    def components(scores):
        x, y = scores[labels == 1], scores[labels == 0]
        psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        return psi.mean(), psi.mean(axis=1), psi.mean(axis=0)

    auc, v10, v01 = components(np.asarray(first))
    if second is not None:
        other, w10, w01 = components(np.asarray(second))
        auc, v10, v01 = auc - other, v10 - w10, v01 - w01
    return float(auc), float(np.sqrt(np.var(v10, ddof=1) / len(v10) + np.var(v01, ddof=1) / len(v01)))


def classification(name, probabilities, labels, weights, other):
    fpr, tpr, threshold = metrics.roc_curve(labels, probabilities, drop_intermediate=False)
    auc, deviation = delong(labels, probabilities)
    difference, difference_deviation = delong(labels, probabilities, other)
    _, their_variance = delong_roc_variance(np.asarray(labels), np.asarray(probabilities))
    decided = (probabilities >= 0.5).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(labels, decided, labels=[0, 1]).ravel()
    tables = {}
    for strategy, key in [("uniform", "width"), ("quantile", "quantile")]:
        observed, promised = calibration_curve(labels, probabilities, n_bins=10, strategy=strategy)
        edges = np.linspace(0, 1, 11) if strategy == "uniform" else np.percentile(probabilities, np.linspace(0, 100, 11))
        count = np.bincount(np.searchsorted(edges[1:-1], probabilities), minlength=10)
        count = count[count > 0]
        tables[key] = {
            "meanProbability": floats(promised),
            "observedRate": floats(observed),
            "count": [int(c) for c in count],
            "ece": float(np.sum(count / len(labels) * np.abs(observed - promised))),
        }
    return {
        "name": name,
        "probabilities": floats(probabilities),
        "other": floats(other),
        "labels": [int(y) for y in labels],
        "weights": floats(weights),
        "rocAuc": float(metrics.roc_auc_score(labels, probabilities)),
        "rocAucWeighted": float(metrics.roc_auc_score(labels, probabilities, sample_weight=weights)),
        "averagePrecision": float(metrics.average_precision_score(labels, probabilities)),
        "logLoss": float(metrics.log_loss(labels, probabilities)),
        "brierScore": float(metrics.brier_score_loss(labels, probabilities)),
        "confusion": {"truePositive": int(tp), "falsePositive": int(fp), "falseNegative": int(fn), "trueNegative": int(tn)},
        "accuracy": float(metrics.accuracy_score(labels, decided)),
        "precision": float(metrics.precision_score(labels, decided)) if tp + fp > 0 else None,
        "recall": float(metrics.recall_score(labels, decided)),
        "f1": float(metrics.f1_score(labels, decided)),
        "falsePositiveRate": floats(fpr),
        "truePositiveRate": floats(tpr),
        "threshold": floats(threshold[1:]),
        "calibration": tables,
        "delong": {"auc": auc, "deviation": deviation, "package": float(np.sqrt(their_variance)), "z": float(stats.norm.ppf(0.975))},
        "difference": {"auc": difference, "deviation": difference_deviation},
    }


def labelled(name, n, prevalence, digits=None, strength=1.5):
    labels = np.zeros(n, dtype=int)
    labels[: max(2, round(n * prevalence))] = 1
    rng.shuffle(labels)
    logit = strength * labels + rng.normal(size=n) - 1
    probabilities = 1 / (1 + np.exp(-logit))
    other = 1 / (1 + np.exp(-(0.7 * logit + rng.normal(size=n))))
    if digits is not None:
        probabilities, other = np.round(probabilities, digits), np.round(other, digits)
    return classification(name, probabilities, labels, np.round(rng.gamma(1.0, size=n), 3), other)


def quantiles():
    ps = [1e-300, 1e-20, 1e-9, 0.001, 0.02425, 0.025, 0.074, 0.076, 0.3, 0.5, 0.7, 0.95, 0.975, 0.995, 0.999999]
    degrees = [0.5, 1, 2, 3, 4.5, 9, 29, 99, 500, 999, 1000, 1001, 5000, 1e6, 1e12]
    tps = [1e-6, 0.001, 0.025, 0.2, 0.49, 0.5, 0.6, 0.9, 0.975, 0.995, 0.99999]
    return {
        "normal": [{"p": p, "z": float(stats.norm.ppf(p))} for p in ps],
        "student": [{"p": p, "degrees": v, "t": float(stats.t.ppf(p, v))} for v in degrees for p in tps],
    }


def paired():
    out = []
    for n in [2, 7, 40]:
        a, b = np.round(rng.gamma(2.0, 3.0, n), 4), np.round(rng.gamma(2.0, 2.8, n), 4)
        for level in [0.9, 0.95]:
            ci = stats.ttest_rel(a, b).confidence_interval(level)
            d = a - b
            normal = stats.norm.interval(level, d.mean(), d.std(ddof=1) / np.sqrt(n))
            out.append({"a": floats(a), "b": floats(b), "level": level, "mean": float(d.mean()),
                        "student": floats([ci.low, ci.high]), "normal": floats(normal)})
    return out


def wilson():
    out = []
    for k, n in [(0, 20), (20, 20), (1, 29), (15, 148), (81, 263), (5000, 100000)]:
        for level in [0.8, 0.95, 0.99]:
            scipy = stats.binomtest(k, n).proportion_ci(level, method="wilson")
            other = proportion_confint(k, n, alpha=1 - level, method="wilson")
            assert np.allclose([scipy.low, scipy.high], np.clip(other, 0, 1), atol=1e-12)
            out.append({"successes": k, "trials": n, "level": level, "lower": float(scipy.low), "upper": float(scipy.high)})
    return out


def bootstrap():
    out = []
    for blocks in [6, 30]:
        counts = rng.integers(20, 80, blocks)
        sums = np.round(counts * rng.normal(0.3, 1.0, blocks) + rng.normal(0, 5, blocks), 4)

        def ratio(s, c, axis):
            return s.sum(axis=axis) / c.sum(axis=axis)

        result = stats.bootstrap((sums, counts.astype(float)), ratio, paired=True, vectorized=True, n_resamples=200_000,
                                 method="percentile", rng=np.random.default_rng(1))
        drawn = result.bootstrap_distribution
        tail = stats.norm.cdf(-np.sqrt(blocks / (blocks - 1)) * stats.t.ppf(0.975, blocks - 1))
        out.append({"sums": floats(sums), "counts": [int(c) for c in counts], "estimate": float(sums.sum() / counts.sum()),
                    "percentile": floats(result.confidence_interval), "deviation": float(result.standard_error),
                    "expandedTail": float(tail), "expanded": floats(np.quantile(drawn, [tail, 1 - tail]))})
    return out


def drift(reference, current):
    r, c = np.asarray(reference, float), np.asarray(current, float)
    n, m = r.sum(), c.sum()
    p, q = r / n, c / m
    pf, qf = np.where(p == 0, 1e-4, p), np.where(q == 0, 1e-4, q)
    seen = (r + c) > 0
    table = np.array([r[seen], c[seen]])
    chi2 = stats.chi2_contingency(table, correction=False)
    rows, bins = n + m, int(seen.sum())
    # Bergsma 2013, equations (7) and (8).
    phi2 = max(0.0, chi2.statistic / rows - (bins - 1) * (2 - 1) / (rows - 1))
    width = min(bins - (bins - 1) ** 2 / (rows - 1), 2 - (2 - 1) ** 2 / (rows - 1)) - 1
    cdf_p, cdf_q = np.cumsum(p), np.cumsum(q)
    edges = np.cumsum(np.concatenate([[-1.0], 0.5 + np.arange(len(r)) % 3]))
    gap = lambda x: abs(np.interp(x, edges, np.concatenate([[0], cdf_p])) - np.interp(x, edges, np.concatenate([[0], cdf_q])))
    area = sum(quad(gap, a, b, epsabs=1e-13, epsrel=1e-13, limit=500)[0] for a, b in zip(edges, edges[1:]))
    density = stats.rv_histogram((r, edges), density=False)
    return {
        "reference": floats(r), "current": floats(c), "edges": floats(edges),
        "psi": float(np.sum((qf - pf) * np.log(qf / pf))),
        "psiAsKl": float(stats.entropy(p, q) + stats.entropy(q, p)) if (p > 0).all() and (q > 0).all() else None,
        "jensenShannon": float(distance.jensenshannon(p, q, base=2)),
        "totalVariation": float(distance.cityblock(p, q) / 2),
        "lInfinity": float(distance.chebyshev(p, q)),
        "hellinger": float(distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2)),
        "chiSquare": float(chi2.statistic), "degreesOfFreedom": int(chi2.dof),
        "cramersV": float(stats.contingency.association(table.astype(int), method="cramer", correction=False)),
        "cramersVCorrected": float(np.sqrt(phi2 / width)),
        "ks": float(np.max(np.abs(cdf_p - cdf_q))),
        "wasserstein": float(area), "deviation": float(density.std()),
    }


def samples():
    out = []
    for n, m, digits in [(1, 1, 3), (30, 45, 3), (200, 80, 1), (50, 50, 0)]:
        a, b = np.sort(np.round(rng.normal(0, 2, n), digits)), np.sort(np.round(rng.normal(0.5, 2.5, m), digits))
        out.append({"reference": floats(a), "current": floats(b), "ks": float(stats.ks_2samp(a, b).statistic),
                    "wasserstein": float(stats.wasserstein_distance(a, b)), "deviation": float(np.std(a))})
    return out


probe = labelled("continuous, 120 rows", 120, 0.4)
print(json.dumps({
    "origin": "packages/data/test-fixtures/statistics.py",
    "versions": {name: version(name) for name in ["numpy", "scipy", "scikit-learn", "statsmodels", "confidenceinterval"]},
    "classification": [
        probe,
        labelled("ties, 150 rows", 150, 0.3, digits=1),
        labelled("rare positives, 200 rows", 200, 0.02, digits=3, strength=3),
        labelled("mostly positives, 60 rows", 60, 0.9, digits=2),
    ],
    "quantiles": quantiles(),
    "paired": paired(),
    "wilson": wilson(),
    "bootstrap": bootstrap(),
    "drift": [
        drift([50, 50], [30, 70]),
        drift([120, 300, 410, 260, 90], [100, 310, 380, 300, 140]),
        drift([10, 0, 5, 0, 85], [0, 3, 7, 0, 40]),
        drift([1, 2, 3, 4], [4, 3, 2, 1]),
        drift([1000, 2000, 1500], [1000, 2000, 1500]),
    ],
    "samples": samples(),
}, indent=None, separators=(",", ":"), allow_nan=False))
