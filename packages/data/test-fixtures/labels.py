"""Writes labels.json: what cleanlab, krippendorff, scikit-learn, statsmodels and crowd-kit say about labels.

Run: python labels.py > labels.json && npx oxfmt labels.json
Needs: cleanlab crowd-kit krippendorff scikit-learn statsmodels (versions used are written into the file).
Published data: Dawid & Skene, Applied Statistics 28(1), 1979, table 1 (anaesthetists); Fleiss, Psychol. Bull. 76(5), 1971
(diagnoses) and the anxiety ratings of the R package irr, both from the tests of statsmodels, which also hold what irr
says about them; Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section E.
"""
import json
import sys
from importlib.metadata import version

import krippendorff
import numpy as np
import pandas as pd
from cleanlab import count, filter, rank
from crowdkit.aggregation import DawidSkene, MajorityVote
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import cross_val_predict
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa
from statsmodels.stats.tests.test_inter_rater import anxiety, diagnoses

rng = np.random.default_rng(20261128)


def confident(name, classes, rows, noise):
    truth = rng.integers(0, classes, rows)
    features = rng.normal(size=(rows, 2)) + 2.2 * np.c_[np.cos(2 * np.pi * truth / classes), np.sin(2 * np.pi * truth / classes)]
    labels = np.where(rng.random(rows) < noise, (truth + rng.integers(1, classes, rows)) % classes, truth)
    probabilities = cross_val_predict(LogisticRegression(), features, labels, cv=5, method="predict_proba").round(7)
    probabilities[:, -1] = 1 - probabilities[:, :-1].sum(axis=1)
    filters = {
        "pruneByNoiseRate": "prune_by_noise_rate", "pruneByClass": "prune_by_class", "both": "both",
        "confidentLearning": "confident_learning", "predictedNotGiven": "predicted_neq_given",
        "lowSelfConfidence": "low_self_confidence", "lowNormalizedMargin": "low_normalized_margin",
    }
    return {
        "name": name,
        "labels": labels.tolist(),
        "probabilities": probabilities.T.tolist(),
        "thresholds": count.get_confident_thresholds(labels, probabilities).tolist(),
        "rawJoint": count.compute_confident_joint(labels, probabilities, calibrate=False).tolist(),
        "joint": count.compute_confident_joint(labels, probabilities).tolist(),
        "issues": {
            ours: np.flatnonzero(filter.find_label_issues(labels, probabilities, filter_by=theirs, n_jobs=1)).tolist()
            for ours, theirs in filters.items()
        },
        "selfConfidence": rank.get_label_quality_scores(labels, probabilities, method="self_confidence").tolist(),
        "normalizedMargin": rank.get_label_quality_scores(labels, probabilities, method="normalized_margin").tolist(),
    }


def long(matrix):
    """A matrix of items by annotators, missing -1, as a long table."""
    item, annotator = np.nonzero(matrix >= 0)
    return {"item": item.tolist(), "annotator": annotator.tolist(), "label": matrix[item, annotator].tolist(), "classes": int(matrix.max()) + 1}


def alphas(matrix):
    data = np.where(matrix >= 0, matrix, np.nan).T.astype(float)
    levels = ["nominal", "ordinal", "interval", "ratio"]
    return {level: float(krippendorff.alpha(reliability_data=data, level_of_measurement=level)) for level in levels}


def published_krippendorff():
    # Four observers, twelve units, values 1 to 5, * missing: nominal .743, ordinal .815, interval .849, ratio .797.
    rows = ["1 2 3 3 2 1 4 1 2 * * *", "1 2 3 3 2 2 4 1 2 5 * 3", "* 3 3 3 2 3 4 2 2 5 1 *", "1 2 3 3 2 4 4 1 2 5 1 *"]
    matrix = np.array([[-1 if x == "*" else int(x) for x in row.split()] for row in rows]).T
    return {**long(matrix), "alpha": alphas(matrix)}


def generated():
    truth = rng.integers(0, 4, 60)
    matrix = np.clip(truth[:, None] + rng.integers(-1, 2, (60, 5)) * (rng.random((60, 5)) < 0.4), 0, 3)
    complete = matrix.copy()
    matrix[rng.random(matrix.shape) < 0.35] = -1
    first, second = complete[:, 0], complete[:, 1]
    return {
        **long(matrix),
        "alpha": alphas(matrix),
        "complete": long(complete),
        "fleiss": float(fleiss_kappa(aggregate_raters(complete)[0])),
        "cohen": {
            ours: float(cohen_kappa_score(first, second, weights=theirs))
            for ours, theirs in [("none", None), ("linear", "linear"), ("quadratic", "quadratic")]
        },
    }


anaesthetists = """111 1 1 1 1/333 4 3 3 4/112 2 1 2 2/222 3 1 2 1/222 3 2 2 2/222 3 3 2 2/122 2 1 1 1/333 3 4 3 3/222 2 2 2 3/232 2 2 2 3
444 4 4 4 4/222 3 3 4 3/111 1 1 1 1/222 3 2 1 2/121 1 1 1 1/111 2 1 1 1/111 1 1 1 1/111 1 1 1 1/222 2 2 2 1/222 1 3 2 2
222 2 2 2 2/222 2 2 2 1/222 3 2 2 2/221 2 2 2 2/111 1 1 1 1/111 1 1 1 1/232 2 2 2 2/111 1 1 1 1/111 1 1 1 1/112 1 1 2 1
111 1 1 1 1/333 3 2 3 3/111 1 1 1 1/222 2 2 2 2/222 3 2 3 2/433 4 3 4 3/221 2 2 3 2/232 3 2 3 3/333 3 4 3 2/111 1 1 1 1
111 1 1 1 1/121 2 1 1 1/232 2 2 2 2/121 1 1 1 1/222 2 2 2 2"""


def dawid_skene():
    long_table = [
        (patient, observer, int(label) - 1)
        for patient, row in enumerate(anaesthetists.replace("\n", "/").split("/"))
        for observer, said in enumerate(row.split())
        for label in said
    ]
    data = pd.DataFrame(long_table, columns=["task", "worker", "label"])
    model = DawidSkene(n_iter=1500, tol=-1).fit(data)
    errors = model.errors_.sort_index()
    share = MajorityVote().fit_predict_proba(data).sort_index()
    return {
        **{ours: data[theirs].tolist() for ours, theirs in [("item", "task"), ("annotator", "worker"), ("label", "label")]},
        "classes": 4,
        # crowd-kit's columns are the true classes, its rows what was said; here the other way round.
        "confusion": [errors.loc[worker].sort_index(axis=0).sort_index(axis=1).T.values.tolist() for worker in range(5)],
        "prior": model.priors_.sort_index().tolist(),
        "probability": model.probas_.sort_index().sort_index(axis=1).values.ravel().tolist(),
        "voteShare": share.sort_index(axis=1).values.ravel().tolist(),
    }


json.dump(
    {
        "origin": {name: version(name) for name in ["cleanlab", "crowd-kit", "krippendorff", "scikit-learn", "statsmodels", "numpy"]},
        "confident": [confident("three classes", 3, 240, 0.15), confident("two classes", 2, 160, 0.12), confident("five classes, little data", 5, 80, 0.3)],
        "krippendorff": published_krippendorff(),
        "generated": generated(),
        "diagnoses": {**long(diagnoses - 1), "irr": 0.4302445},
        "anxiety": {**long(anxiety - 1), "irr": {"none": -0.006289308, "linear": 0.1459075, "quadratic": 0.2520325}},
        "sas": {"table": [[0, 4, 1], [0, 8, 0], [0, 1, 5]], "none": 0.4842, "linear": 0.4701, "lower": 0.2137, "upper": 0.7547},
        "anaesthetists": dawid_skene(),
    },
    sys.stdout,
)
