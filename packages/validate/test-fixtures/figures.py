"""Makes figures.json: figures of small columns by SciPy, pandas and scikit-learn.

    python -m venv v && v/bin/pip install scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 numpy==2.4.6
    v/bin/python figures.py > figures.json

x is skewed, with missing values and without ties; y depends on it; a and b are classes that depend on
each other, with missing values too.
"""

import json
import sys

import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import mutual_info_score

rng = np.random.default_rng(20261128)
n = 157
x = np.round(rng.lognormal(1.0, 0.9, n), 4)
y = np.round(3 - 0.4 * x + rng.normal(0, 1.5, n), 4)
a = rng.choice(["red", "green", "blue", "grey"], n, p=[0.5, 0.3, 0.15, 0.05])
b = np.where(rng.random(n) < 0.6, a, rng.choice(["red", "green", "blue"], n))
frame = pd.DataFrame({"x": x, "y": y, "a": a, "b": b}).astype({"a": object, "b": object})
frame.loc[rng.random(n) < 0.1, "x"] = np.nan
frame.loc[rng.random(n) < 0.1, "a"] = None

values = frame["x"].dropna().to_numpy()
both = frame.dropna(subset=["x", "y"])
classes = frame["a"].dropna()
counts = classes.value_counts()
pairs = frame.dropna(subset=["a", "b"])

figures = {
    "x": {
        "mean": values.mean(),
        "sum": values.sum(),
        "standard-deviation": values.std(ddof=1),
        "variance": values.var(ddof=1),
        "coefficient-of-variation": stats.variation(values, ddof=1),
        "skewness": stats.skew(values, bias=False),
        "kurtosis": stats.kurtosis(values, bias=False),
        "median": np.median(values),
        "quantile 0.1": np.quantile(values, 0.1),
        "quantile 0.37": np.quantile(values, 0.37),
        "quantile 0.99": np.quantile(values, 0.99),
        "interquartile-range": stats.iqr(values),
        "median-absolute-deviation": stats.median_abs_deviation(values),
        "null-share": frame["x"].isna().mean(),
        "outside 2 sd": int((np.abs(stats.zscore(values, ddof=1)) > 2).sum()),
    },
    "x,y": {"correlation": stats.pearsonr(both["x"], both["y"]).statistic},
    "a": {
        "entropy": stats.entropy(counts),
        "distinct-count": classes.nunique(),
        "distinct-share": classes.nunique() / len(classes),
        "most-common-share": counts.iloc[0] / counts.sum(),
        "class-balance": counts.iloc[-1] / counts.iloc[0],
        "mean-length": classes.str.len().mean(),
    },
    "a,b": {
        "mutual-information": mutual_info_score(pairs["a"], pairs["b"]),
        "cramers-v": stats.contingency.association(
            pd.crosstab(pairs["a"], pairs["b"]).to_numpy(), method="cramer"
        ),
    },
}
json.dump(
    {
        "origin": f"figures.py; SciPy {scipy.__version__}, pandas {pd.__version__}, scikit-learn {sklearn.__version__}",
        "rows": json.loads(frame.to_json(orient="values", double_precision=15)),
        "figures": {
            columns: {kind: float(figure) for kind, figure in by.items()}
            for columns, by in figures.items()
        },
    },
    sys.stdout,
)
