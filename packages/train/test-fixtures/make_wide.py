"""Writes wide.json: what scikit-learn's linear models make of more than two thousand columns, nearly all of them 0.

Run with scikit-learn 1.9.1 and NumPy 2.4.6 (`pip install scikit-learn==1.9.1`):

    python make_wide.py && npx oxfmt wide.json

The data are made in both languages, to the bit: 1,500 rows with three texts of 800 values each as columns of 0 and 1, and
four numbers. Every model is fitted after a StandardScaler on all rows. Of its coefficients the numbers' and every 40th
are kept, and the predictions of every 15th row.
"""

import json
import pathlib

import numpy as np
import sklearn
from mulberry import mulberry32
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

rows, texts, values, numbers = 1500, 3, 800, 4
random = mulberry32(11)
x = np.zeros((rows, texts * values + numbers))
yes, amount, kind = np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=int)
for i in range(rows):
    score = 0.0
    for t in range(texts):
        # Low values are frequent, as in texts of all kinds.
        value = int(values * random() * random())
        x[i, t * values + value] = 1
        score += (value % 7 - 3) / 4
    for j in range(numbers):
        x[i, texts * values + j] = random()
        score += (j + 1) * (x[i, texts * values + j] - 0.5)
    noise = random()
    yes[i] = 1 if score + 4 * (noise - 0.5) > 0 else 0
    amount[i] = 100 + 10 * score + 20 * noise
    kind[i] = 0 if score + noise < -0.5 else 1 if score + noise < 1.2 else 2
standard = StandardScaler().fit_transform(x)


def told(model, predictions):
    coefficients = np.atleast_2d(model.coef_)
    return {
        "intercepts": np.atleast_1d(model.intercept_).tolist(),
        "coefficients": [row.tolist() for row in np.hstack([coefficients[:, ::40], coefficients[:, -numbers:]])],
        "nonzero": int((coefficients != 0).sum()),
        "predictions": np.asarray(predictions)[::15].ravel().tolist(),
    }


exact = {"tol": 1e-12, "max_iter": 1_000_000}
logistic = LogisticRegression(C=1 / 20, solver="newton-cg", **exact).fit(standard, yes)
multinomial = LogisticRegression(C=1 / 20, solver="newton-cg", **exact).fit(standard, kind)
ridge = Ridge(alpha=50.0, solver="cholesky").fit(standard, amount)
l1, l2 = 600.0, 100.0
elastic = ElasticNet(alpha=(l1 + l2) / rows, l1_ratio=l1 / (l1 + l2), tol=1e-13, max_iter=1_000_000).fit(standard, amount)
path = pathlib.Path(__file__).with_name("wide.json")
reference = {
    "origin": f"make_wide.py with scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
    "logistic": told(logistic, logistic.predict_proba(standard)[:, 1]),
    "multinomial": told(multinomial, multinomial.predict_proba(standard)),
    "ridge": told(ridge, ridge.predict(standard)),
    "elasticNet": told(elastic, elastic.predict(standard)),
}
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes", [reference[k]["nonzero"] for k in reference if k != "origin"])
