"""
Models in ONNX of age and days, written by hand: writes onnx_models.json beside this file.

    pip install onnx==1.23.2 numpy==2.4.6
    python onnx_models.py
"""
import base64
import json
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def model(weights, last):
    """`last` of features · weights, where a missing feature counts as 0."""
    weights = np.array(weights, np.float32)
    nodes = [
        helper.make_node("IsNaN", ["x"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "x"], ["known"]),
        helper.make_node("MatMul", ["known", "w"], ["z"]),
        helper.make_node(last, ["z"], ["scores"]),
    ]
    port = lambda name, columns: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", columns])
    graph = helper.make_graph(
        nodes,
        "graph",
        [port("x", weights.shape[0])],
        [port("scores", weights.shape[1])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.float32(0), "zero")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return base64.b64encode(made.SerializeToString()).decode()


models = {
    "buys": model([[0.02], [0.3]], "Sigmoid"),
    "amount": model([[0.02], [0.3]], "Identity"),
    "kind": model([[0.1, 0, 0.02], [0, 0.3, 0.1]], "Softmax"),
    "three": model([[0.1], [0.2], [0.3]], "Sigmoid"),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(models, indent=1) + "\n")
