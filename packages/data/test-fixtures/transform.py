"""Writes transform.json: what scikit-learn's transformers say about small generated training rows.

Run: python transform.py > transform.json
Needs: numpy scikit-learn (versions used are written into the file).
"""
import json
import warnings
from importlib.metadata import version

import numpy as np
from sklearn.feature_selection import SelectKBest, VarianceThreshold, chi2, f_classif, f_regression, mutual_info_classif
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler, TargetEncoder

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261128)
n = 60
label = (rng.random(n) < 0.4).astype(int)
city = rng.choice(["Aarhus", "Bergen", "Malmö", "it's"], n, p=[0.5, 0.3, 0.15, 0.05])
x = np.round(rng.normal(3, 2, n) + label, 3)
count = rng.poisson(2 + label, n).astype(float)
constant = np.full(n, 0.1)
gaps = np.where(rng.random(n) < 0.2, np.nan, np.round(rng.gamma(2, 3, n)))
new = {"city": ["Bergen", "Oslo", "it's"], "x": [0.5, 12.25, -3.0], "gaps": [None, 4.0, 100.0]}


def column(values):
    return np.asarray(values, dtype=float).reshape(-1, 1)


def floats(values):
    return [None if np.isnan(v) else float(v) for v in np.asarray(values, dtype=float).ravel()]


def fitted(transformer, values, later):
    transformer.fit(values, label)
    return {"train": floats(transformer.transform(values)), "new": floats(transformer.transform(later))}


text, later = city.reshape(-1, 1), np.asarray(new["city"], dtype=object).reshape(-1, 1)
amount = np.round(1e6 + 10 * x + rng.normal(0, 5, n), 2)
mood = np.where(amount < np.quantile(amount, 0.3), "bad", np.where(label == 1, "good", "so-so"))


def by_label(target, **options):
    encoder = TargetEncoder(**options).fit(text, target)
    return {"train": floats(encoder.transform(text)), "new": floats(encoder.transform(later))}


one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(text)
features = np.column_stack([x, count, constant])
print(json.dumps({
    "origin": "packages/data/test-fixtures/transform.py",
    "versions": {name: version(name) for name in ["numpy", "scikit-learn"]},
    "rows": {"x": floats(x), "count": floats(count), "constant": floats(constant), "gaps": floats(gaps),
             "city": [str(c) for c in city], "label": [bool(y) for y in label]},
    "new": new,
    "standard": fitted(StandardScaler(), column(x), column(new["x"])),
    "standardConstant": fitted(StandardScaler(), column(constant), column([0.1, 5.0, -1.0])),
    "standardGaps": fitted(StandardScaler(), column(gaps), column([np.nan, 4.0, 100.0])),
    "minMax": fitted(MinMaxScaler(), column(x), column(new["x"])),
    "robust": fitted(RobustScaler(), column(x), column(new["x"])),
    "imputeMean": fitted(SimpleImputer(strategy="mean"), column(gaps), column([np.nan, 4.0, 100.0])),
    "imputeMedian": fitted(SimpleImputer(strategy="median"), column(gaps), column([np.nan, 4.0, 100.0])),
    "imputeMostFrequent": fitted(SimpleImputer(strategy="most_frequent"), column(gaps), column([np.nan, 4.0, 100.0])),
    "imputeIndicator": fitted(SimpleImputer(strategy="constant", fill_value=-1, add_indicator=True), column(gaps), column([np.nan, 4.0, 100.0])),
    "oneHot": {"values": [str(c) for c in one_hot.categories_[0]],
               "train": floats(one_hot.transform(text)), "new": floats(one_hot.transform(later))},
    "ordinal": fitted(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), text, later),
    "targetAuto": fitted(TargetEncoder(smooth="auto", target_type="binary"), text, later),
    "targetSmooth": fitted(TargetEncoder(smooth=5.0, target_type="binary"), text, later),
    "amount": floats(amount),
    "mood": [str(m) for m in mood],
    "targetAmountAuto": by_label(amount, smooth="auto", target_type="continuous"),
    "targetAmountSmooth": by_label(amount, smooth=5.0, target_type="continuous"),
    "targetMoodAuto": by_label(mood, smooth="auto", target_type="multiclass"),
    "targetMoodSmooth": by_label(mood, smooth=5.0, target_type="multiclass"),
    "otherScores": {
        "amountF": floats(f_regression(features[:, :2], amount)[0]),
        "moodF": floats(f_classif(features[:, :2], mood)[0]),
        "moodChiSquare": floats(chi2(features[:, 1:2], mood)[0]),
        "moodInformationNats": floats(mutual_info_classif(features[:, 1:2], mood, discrete_features=True)),
    },
    "scores": {
        "anovaF": floats(f_classif(features[:, :2], label)[0]),
        "chiSquare": floats(chi2(features[:, 1:], label)[0]),
        "mutualInformationNats": floats(mutual_info_classif(features[:, 1:], label, discrete_features=True)),
        "variances": floats(VarianceThreshold().fit(features).variances_),
        "correlation": float(np.corrcoef(x, count)[0, 1]),
        "bestF": [bool(b) for b in SelectKBest(f_classif, k=1).fit(features[:, :2], label).get_support()],
    },
}, separators=(",", ":")))
