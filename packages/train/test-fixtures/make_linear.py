"""Writes linear.json: what scikit-learn's linear models make of three data sets, for the tests of this package.

Run with scikit-learn 1.9.1 and NumPy 2.4.6 (`pip install scikit-learn==1.9.1`):

    python make_linear.py && npx oxfmt linear.json

Data, as shipped with scikit-learn:
- diabetes (442 rows, 10 features; Efron, Hastie, Johnstone & Tibshirani 2004, "Least Angle Regression"), unscaled;
  the progression is a whole number and serves as a count too, with the body mass index as the exposure.
- wine (178 rows, 13 features, 3 classes; UCI Machine Learning Repository, Aeberhard & Forina 1992, CC BY 4.0).
- breast cancer: in reference.json.

Every model is fitted after a StandardScaler on all rows but every fourth, and predicts every fourth. Weights are
1, 2, 3, 1, 2, 3 … by training row.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor, Ridge
from sklearn.preprocessing import StandardScaler


def parts(x, y):
    test = np.arange(len(y)) % 4 == 0
    return x[~test], y[~test], x[test], y[test]


def told(model, predictions, **options):
    return {
        "options": options,
        "intercepts": np.atleast_1d(model.intercept_).tolist(),
        "coefficients": np.atleast_2d(model.coef_).tolist(),
        "predictions": np.asarray(predictions).tolist(),
    }


def weights_of(y):
    return 1.0 + np.arange(len(y)) % 3


diabetes = load_diabetes(scaled=False)
dx, dy, dtx, dty = parts(diabetes.data, diabetes.target)
scaler = StandardScaler().fit(dx)
sx, stx = scaler.transform(dx), scaler.transform(dtx)
n = len(dy)

ridge = Ridge(alpha=5.0, solver="cholesky").fit(sx, dy)
elastic_l1, elastic_l2 = 1500.0, 200.0
alpha = (elastic_l1 + elastic_l2) / n
elastic = ElasticNet(alpha=alpha, l1_ratio=elastic_l1 / (elastic_l1 + elastic_l2), tol=1e-14, max_iter=1_000_000).fit(
    sx, dy
)
w = weights_of(dy)
weighted_scaler = StandardScaler().fit(dx, sample_weight=w)
weighted = ElasticNet(
    alpha=(elastic_l1 + elastic_l2) / w.sum(),
    l1_ratio=elastic_l1 / (elastic_l1 + elastic_l2),
    tol=1e-14,
    max_iter=1_000_000,
).fit(weighted_scaler.transform(dx), dy, sample_weight=w)
poisson = PoissonRegressor(alpha=20.0 / n, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(sx, dy)

# The rate per exposure, each row weighing its exposure, has the likelihood of the count given the exposure.
bmi = diabetes.feature_names.index("bmi")
others = [j for j in range(dx.shape[1]) if j != bmi]
exposed = PoissonRegressor(alpha=20.0 / dx[:, bmi].sum(), solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(
    sx[:, others], dy / dx[:, bmi], sample_weight=dx[:, bmi]
)

cancer = load_breast_cancer()
cx, cy, ctx, cty = parts(cancer.data, cancer.target)
cscaler = StandardScaler().fit(cx)
scx, sctx = cscaler.transform(cx), cscaler.transform(ctx)
logistic_l1, logistic_l2 = 2.0, 0.5
logistic = LogisticRegression(
    C=1 / (logistic_l1 + logistic_l2),
    l1_ratio=logistic_l1 / (logistic_l1 + logistic_l2),
    solver="saga",
    tol=1e-14,
    max_iter=1_000_000,
    random_state=0,
).fit(scx, cy)

wine = load_wine()
wx, wy, wtx, wty = parts(wine.data, wine.target)
wscaler = StandardScaler().fit(wx)
swx, swtx = wscaler.transform(wx), wscaler.transform(wtx)
multinomial = LogisticRegression(C=1.0, solver="newton-cg", tol=1e-12, max_iter=10_000).fit(swx, wy)
multinomial_l1, multinomial_l2 = 1.0, 0.5
sparse = LogisticRegression(
    C=1 / (multinomial_l1 + multinomial_l2),
    l1_ratio=multinomial_l1 / (multinomial_l1 + multinomial_l2),
    solver="saga",
    tol=1e-14,
    max_iter=1_000_000,
    random_state=0,
).fit(swx, wy)

reference = {
    "origin": f"make_linear.py with scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
    "diabetes": {
        "featureNames": list(diabetes.feature_names),
        "columns": diabetes.data.T.tolist(),
        "labels": diabetes.target.tolist(),
        "ridge": told(ridge, ridge.predict(stx), l1=0, l2=5.0),
        "elasticNet": told(elastic, elastic.predict(stx), l1=elastic_l1, l2=elastic_l2),
        "weighted": told(weighted, weighted.predict(weighted_scaler.transform(dtx)), l1=elastic_l1, l2=elastic_l2),
        "poisson": told(poisson, poisson.predict(stx), l1=0, l2=20.0),
        "exposed": told(exposed, exposed.predict(stx[:, others]) * dtx[:, bmi], l1=0, l2=20.0),
    },
    "breastCancer": {
        "elasticNet": told(logistic, logistic.predict_proba(sctx)[:, 1], l1=logistic_l1, l2=logistic_l2),
    },
    "wine": {
        "featureNames": list(wine.feature_names),
        "columns": wine.data.T.tolist(),
        "labels": wine.target.tolist(),
        "multinomial": told(multinomial, multinomial.predict_proba(swtx).ravel(), l1=0, l2=1.0),
        "elasticNet": told(sparse, sparse.predict_proba(swtx).ravel(), l1=multinomial_l1, l2=multinomial_l2),
    },
}
path = pathlib.Path(__file__).with_name("linear.json")
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
