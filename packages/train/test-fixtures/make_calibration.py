"""Writes calibration.json: what scikit-learn's calibration makes of given scores, for the tests of this package.

Run with scikit-learn 1.9.1 and NumPy 2.4.6 (`pip install scikit-learn==1.9.1`):

    python make_calibration.py && npx oxfmt calibration.json

The scores are overconfident: drawn from a softmax of doubled sums, while labels follow the sums themselves. `Given`
hands them to scikit-learn as they are, as the log-odds of each class's probability. 300 rows of two classes with ties
(probabilities to two digits), 300 rows of three.
"""

import json
import pathlib

import numpy as np
import sklearn
from scipy.special import logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression


class Given(ClassifierMixin, BaseEstimator):
    """Takes log-odds for its features and hands them on as the decision function."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, x):
        return x[:, 0] if x.shape[1] == 1 else x

    def predict(self, x):
        return self.classes_[0]


class GivenProbabilities(ClassifierMixin, BaseEstimator):
    """Takes probabilities for its features and hands them on."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return self.classes_[0]


random = np.random.default_rng(7)


def calibrated(estimator, x, y, method):
    frozen = FrozenEstimator(estimator.fit(x, y))
    return CalibratedClassifierCV(frozen, method=method).fit(x, y).predict_proba(x)


def tables(classes, rows=300):
    sums = random.normal(size=(rows, classes)) * 1.5
    cumulative = softmax(sums, axis=1).cumsum(axis=1)
    labels = (random.random(rows)[:, None] > cumulative).sum(axis=1)
    return softmax(2 * sums, axis=1), labels


p2, y2 = tables(2)
p2 = np.clip(np.round(p2[:, 1], 2), 0.01, 0.99)
p3, y3 = tables(3)
isotonic = IsotonicRegression(out_of_bounds="clip").fit(p2, y2)
grid = np.linspace(0, 1, 101)

reference = {
    "origin": f"make_calibration.py with scikit-learn {sklearn.__version__}, NumPy {np.__version__}",
    "two": {
        "probabilities": p2.tolist(),
        "labels": y2.tolist(),
        "isotonic": isotonic.predict(grid).tolist(),
        "platt": calibrated(Given(), logit(p2)[:, None], y2, "sigmoid")[:, 1].tolist(),
        "temperature": calibrated(Given(), logit(p2)[:, None], y2, "temperature")[:, 1].tolist(),
    },
    "three": {
        "probabilities": p3.ravel().tolist(),
        "labels": y3.tolist(),
        "isotonic": calibrated(GivenProbabilities(), p3, y3, "isotonic").ravel().tolist(),
        "platt": calibrated(Given(), logit(p3), y3, "sigmoid").ravel().tolist(),
        "temperature": calibrated(GivenProbabilities(), p3, y3, "temperature").ravel().tolist(),
    },
}
path = pathlib.Path(__file__).with_name("calibration.json")
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
