"""Writes explanations.json: trees in our form, rows, and their SHAP values by other implementations.

Run with LightGBM 4.7.0, shap 0.51.0, scikit-learn 1.9.1 and NumPy 2.4.6:

    python explanations.py

Models are fitted by LightGBM and their trees written in the form of `Estimator.TreeEnsemble`: thresholds, default
directions, categories and row counts are LightGBM's, which adds its base score to the leaves of the first tree.
Values are those of shap's TreeExplainer (path-dependent), and with categories of LightGBM's own TreeSHAP
(`pred_contrib`), which shap uses as well. Data: breast cancer and wine as shipped with scikit-learn (UCI, CC BY 4.0)
with every fifth value of feature 1 missing; synthetic codes for categories.
"""

import json
import pathlib

import lightgbm
import numpy as np
import shap
from sklearn.datasets import load_breast_cancer, load_wine

parameters = {"num_leaves": 8, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, "seed": 1}


def tree_of(root):
    tree = {
        name: []
        for name in ["feature", "threshold", "left", "right", "missingLeft", "value", "cover"]
    }
    tree["leftCategories"] = []

    def add(node):
        index = len(tree["feature"])
        leaf = "split_feature" not in node
        on_category = not leaf and node["decision_type"] == "=="
        tree["feature"].append(-1 if leaf else node["split_feature"])
        tree["threshold"].append(0 if leaf or on_category else node["threshold"])
        tree["missingLeft"].append(0 if leaf or on_category or not node["default_left"] else 1)
        tree["value"].append(node["leaf_value"] if leaf else 0)
        tree["cover"].append(node["leaf_count"] if leaf else node["internal_count"])
        tree["leftCategories"].append(
            [int(code) for code in node["threshold"].split("||")] if on_category else None
        )
        tree["left"].append(0)
        tree["right"].append(0)
        if not leaf:
            tree["left"][index] = add(node["left_child"])
            tree["right"][index] = add(node["right_child"])
        return index

    add(root)
    if not any(tree["leftCategories"]):
        del tree["leftCategories"]
    return tree


def exported(booster, objective, outputs, features, categories=None):
    return {
        "_tag": "TreeEnsemble",
        "version": 1,
        "objective": objective,
        "features": features,
        **({} if categories is None else {"categories": categories}),
        "baseScores": [0] * outputs,
        "trees": [tree_of(t["tree_structure"]) for t in booster.dump_model()["tree_info"]],
        "importance": [0] * len(features),
    }


def case(model, rows, values, base):
    return {
        "model": model,
        "rows": [[None if np.isnan(v) else float(v) for v in row] for row in rows],
        # By row, output and feature.
        "values": [np.asarray(v).tolist() for v in values],
        "base": np.ravel(base).tolist(),
    }


def binary():
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :6].copy()
    x[::5, 1] = np.nan
    booster = lightgbm.train(
        {**parameters, "objective": "binary"}, lightgbm.Dataset(x, y), num_boost_round=6
    )
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    rows = x[:12]
    values = np.asarray(explainer.shap_values(rows))
    return case(
        exported(booster, "logistic", 1, [f"f{j}" for j in range(6)]),
        rows,
        values[:, None, :],
        explainer.expected_value,
    )


def several():
    x, y = load_wine(return_X_y=True)
    x = x[:, :5].copy()
    x[::5, 1] = np.nan
    booster = lightgbm.train(
        {**parameters, "objective": "multiclass", "num_class": 3},
        lightgbm.Dataset(x, y),
        num_boost_round=3,
    )
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    rows = x[::20]
    # shap: row, feature, class.
    values = np.moveaxis(np.asarray(explainer.shap_values(rows)), 2, 1)
    return case(
        exported(booster, "softmax", 3, [f"f{j}" for j in range(5)]),
        rows,
        values,
        explainer.expected_value,
    )


def categorical():
    rng = np.random.default_rng(3)
    code = rng.integers(0, 12, 800)
    x = np.column_stack([code, rng.random(800).round(2), rng.random(800).round(2)])
    y = ((code * 5) % 12) / 12 + x[:, 1] + 0.1 * rng.random(800)
    booster = lightgbm.train(
        {**parameters, "objective": "regression", "max_cat_to_onehot": 1},
        lightgbm.Dataset(x, y, categorical_feature=[0]),
        num_boost_round=5,
    )
    rows = np.vstack([x[:10], [[40, 0.5, 0.5]]])
    contributions = booster.predict(rows, pred_contrib=True)
    return case(
        exported(booster, "squaredError", 1, ["code", "a", "b"], [list(range(12)), None, None]),
        rows,
        contributions[:, None, :-1],
        contributions[0, -1],
    )


reference = {
    "origin": f"explanations.py with LightGBM {lightgbm.__version__}, shap {shap.__version__}, NumPy {np.__version__}",
    "binary": binary(),
    "several": several(),
    "categorical": categorical(),
}
path = pathlib.Path(__file__).with_name("explanations.json")
path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
