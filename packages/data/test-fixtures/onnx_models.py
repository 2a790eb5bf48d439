"""
Small models in ONNX, and what scikit-learn says of the same rows: writes onnx_models.json beside this file.

    pip install scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.23.2 numpy==2.4.6
    python onnx_models.py

scikit-learn is BSD-3-Clause, skl2onnx and onnx are Apache-2.0. The rows are random numbers of a seed.
"""
import base64
import json
import pathlib

import numpy as np
import onnx
import skl2onnx
import sklearn
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

rng = np.random.default_rng(7)
rows = rng.normal(size=(300, 3))
yes = rows[:, 0] + 0.5 * rows[:, 1] + 0.3 * rng.normal(size=300) > 0
value = 3 * rows[:, 0] + np.sin(rows[:, 1]) + 10
klass = np.array(["a", "b", "c"])[np.digitize(rows[:, 2], [-0.5, 0.5])]
one32, one64 = rows[:1].astype(np.float32), rows[:1]
tensors = {"zipmap": False}

binary = LogisticRegression().fit(rows, yes)
classes = LogisticRegression().fit(rows, klass)
forest = RandomForestRegressor(n_estimators=5, max_depth=3, random_state=0).fit(rows, value)

# One input for each column, texts among them: what a scikit-learn pipeline on a data frame becomes.
plans = ["", "line\nbreak", "one", "two, or more"]
mixed = np.array([[a, int(2 * b), plans[i % 3]] for i, (a, b, _) in enumerate(rows)], dtype=object)
pipeline = make_pipeline(
    ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), [2])], remainder="passthrough"),
    LogisticRegression(),
).fit(mixed, yes)
named = [("a", FloatTensorType([None, 1])), ("b", Int64TensorType([None, 1])), ("c", StringTensorType([None, 1]))]

files = {
    "named": to_onnx(pipeline, initial_types=named, options=tensors),
    "binary": to_onnx(binary, one32, options=tensors),
    "binary64": to_onnx(binary, one64, options=tensors),
    "classes": to_onnx(classes, one32, options=tensors),
    "forest": to_onnx(forest, one32),
    "zipmap": to_onnx(binary, one32),
}


def graph(nodes, inputs, outputs, initializers=(), opsets=(("", 20),), functions=()):
    made = helper.make_graph(list(nodes), "graph", list(inputs), list(outputs), list(initializers))
    imports = [helper.make_opsetid(*one) for one in opsets]
    return helper.make_model(
        made, opset_imports=imports, ir_version=10, producer_name="by hand", functions=list(functions)
    )


def port(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


weights = numpy_helper.from_array(np.array([[0.1], [0.2], [0.3]], np.float32), "w")
nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["p"])]
outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 1])
outside.data_location = TensorProto.EXTERNAL
outside.external_data.add(key="location", value="../../etc/passwd")
branch = helper.make_graph(
    [helper.make_node("Strange", ["x"], ["y"], domain="my.ops")], "branch", [], [port("y", None)]
)
own = helper.make_function(
    "own", "Half", ["a"], ["b"], [helper.make_node("Sigmoid", ["a"], ["b"])], [helper.make_opsetid("", 20)]
)
# A loop that runs for years.
turn = helper.make_graph(
    [helper.make_node("Identity", ["on"], ["go"]), helper.make_node("Sin", ["was"], ["is"])],
    "turn",
    [port("i", [], TensorProto.INT64), port("on", [], TensorProto.BOOL), port("was", None)],
    [port("go", [], TensorProto.BOOL), port("is", None)],
)
x, p = port("x", ["rows", 3]), port("p", ["rows", 1])
files |= {
    "twoInputs": graph(
        [helper.make_node("Add", ["x", "y"], ["p"])],
        [port("x", ["rows", 1]), port("y", ["rows", 1])],
        [p],
    ),
    "external": graph(nodes, [x], [p], [outside]),
    "custom": graph(
        [helper.make_node("Strange", ["x"], ["p"], domain="my.ops")], [x], [p], opsets=[("", 20), ("my.ops", 1)]
    ),
    "customInBranch": graph(
        [helper.make_node("If", ["c"], ["p"], then_branch=branch, else_branch=branch)],
        [x],
        [p],
        [numpy_helper.from_array(np.array(True), "c")],
        opsets=[("", 20), ("my.ops", 1)],
    ),
    "ownFunction": graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Half", ["z"], ["p"], domain="own")],
        [x],
        [p],
        [weights],
        opsets=[("", 20), ("own", 1)],
        functions=[own],
    ),
    "endless": graph(
        [helper.make_node("Loop", ["turns", "true", "x"], ["p"], body=turn)],
        [x],
        [port("p", ["rows", 3])],
        [
            numpy_helper.from_array(np.array(10**15, np.int64), "turns"),
            numpy_helper.from_array(np.array(True), "true"),
        ],
    ),
    "oneRow": graph(nodes, [port("x", [1, 3])], [port("p", [1, 1])], [weights]),
    "image": graph(nodes, [port("x", ["rows", 3, 8, 8])], [p], [weights]),
    "booleans": graph(
        [helper.make_node("Cast", ["x"], ["p"], to=TensorProto.FLOAT)],
        [port("x", ["rows", 3], TensorProto.BOOL)],
        [port("p", ["rows", 3])],
    ),
    "blocks": graph(
        [
            helper.make_node("ReduceSum", ["pair", "axis"], ["sum"]),
            helper.make_node("Reshape", ["one", "column"], ["single"]),
            helper.make_node("Sub", ["sum", "single"], ["p"]),
        ],
        [port("pair", ["rows", 2]), port("one", ["rows"])],
        [p],
        [numpy_helper.from_array(np.array([1], np.int64), "axis"), numpy_helper.from_array(np.array([-1, 1], np.int64), "column")],
    ),
    "openShape": graph(nodes, [port("x", None)], [port("p", None)], [weights]),
    "divides": graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["z"]),
            helper.make_node("Reciprocal", ["z"], ["p"]),
        ],
        [x],
        [p],
        [weights],
    ),
    "future": graph(nodes, [x], [p], [weights], opsets=[("", 99)]),
}

asked = [[0.5, -1.0, 0.25], [-2.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.5, 1.5, -1.5]]
expected = {
    "binary": binary.predict_proba(asked)[:, 1].tolist(),
    "classes": classes.predict_proba(asked).tolist(),
    "forest": forest.predict(np.array(asked, np.float32)).tolist(),
    # Of a and b as asked, b rounded down, and each of the texts in turn; the last has not been trained on.
    "named": [
        pipeline.predict_proba(np.array([[a, int(np.floor(b)), plan]], dtype=object))[0, 1]
        for (a, b, _), plan in zip(asked, plans)
    ],
}
made = {
    "origin": f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}, onnx {onnx.__version__}",
    "asked": asked,
    "plans": plans,
    "expected": expected,
    "files": {name: base64.b64encode(one.SerializeToString()).decode() for name, one in files.items()},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(made, indent=1) + "\n")
