"""Metrics of predicted numbers and classes by scikit-learn 1.9.1 (NumPy 2.4.6): python predictions.py > predictions.json"""
import json
import numpy as np
from sklearn import metrics

rng = np.random.default_rng(11)
numbers = []
for n, scale, kind in ((40, 1.0, "any"), (25, 1e4, "any"), (60, 3.0, "counts"), (2, 1.0, "any")):
    actual = rng.poisson(scale, n).astype(float) if kind == "counts" else rng.normal(0, scale, n)
    predicted = np.exp(rng.normal(0, 1, n)) if kind == "counts" else actual + rng.normal(0, scale / 2, n)
    predicted = predicted.round(6)
    actual = actual.round(6)
    entry = {"predicted": predicted.tolist(), "actual": actual.tolist(),
             "meanAbsolute": metrics.mean_absolute_error(actual, predicted),
             "medianAbsolute": metrics.median_absolute_error(actual, predicted),
             "largest": metrics.max_error(actual, predicted),
             "meanSquared": metrics.mean_squared_error(actual, predicted),
             "rootMeanSquared": metrics.root_mean_squared_error(actual, predicted),
             "r2": metrics.r2_score(actual, predicted),
             "meanAbsolutePercentage": metrics.mean_absolute_percentage_error(actual[actual != 0], predicted[actual != 0]),
             "pinball": {str(q): metrics.mean_pinball_loss(actual, predicted, alpha=q) for q in (0.1, 0.5, 0.9)}}
    if kind == "counts":
        entry["poissonDeviance"] = metrics.mean_poisson_deviance(actual, predicted)
        positive = actual + 0.5
        entry["gammaDeviance"] = metrics.mean_gamma_deviance(positive, predicted)
    numbers.append(entry)

classes = []
for n, k, seed in ((60, 3, 1), (200, 5, 2), (40, 2, 3)):
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    raw = rng.normal(0, 1, (n, k))
    raw[np.arange(n), labels] += 1.2
    probabilities = np.exp(raw)
    probabilities /= probabilities.sum(1, keepdims=True)
    chosen = probabilities.argmax(1)
    names = list(range(k))
    entry = {"classes": k, "labels": labels.tolist(), "probabilities": probabilities.ravel().tolist(),
             "logLoss": metrics.log_loss(labels, probabilities, labels=names),
             "brierScore": float(((probabilities - np.eye(k)[labels]) ** 2).sum(1).mean()),
             "top2": metrics.top_k_accuracy_score(labels, probabilities, k=2, labels=names) if k > 2 else 1.0,
             "aucPerClass": [metrics.roc_auc_score(labels == one, probabilities[:, one]) for one in names],
             "chosen": chosen.tolist(), "confusion": metrics.confusion_matrix(labels, chosen, labels=names).ravel().tolist(),
             "accuracy": metrics.accuracy_score(labels, chosen),
             "balancedAccuracy": metrics.balanced_accuracy_score(labels, chosen),
             "macroF1": metrics.f1_score(labels, chosen, average="macro"),
             "weightedF1": metrics.f1_score(labels, chosen, average="weighted"),
             "microF1": metrics.f1_score(labels, chosen, average="micro"),
             "matthews": metrics.matthews_corrcoef(labels, chosen),
             "kappa": metrics.cohen_kappa_score(labels, chosen),
             "precision": metrics.precision_score(labels, chosen, average=None).tolist(),
             "recall": metrics.recall_score(labels, chosen, average=None).tolist()}
    if k > 2:
        entry["aucMacro"] = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
        entry["aucWeighted"] = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="weighted")
    else:
        precision, recall, thresholds = metrics.precision_recall_curve(labels, probabilities[:, 1])
        entry["curve"] = {"precision": precision.tolist(), "recall": recall.tolist(), "threshold": thresholds.tolist()}
    classes.append(entry)
print(json.dumps({"numbers": numbers, "classes": classes}))
