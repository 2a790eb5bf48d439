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


def shop():
    """By an input for the age and one for the shop, a text; s1 adds 1."""
    nodes = [
        helper.make_node("IsNaN", ["age"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "age"], ["known"]),
        helper.make_node("Mul", ["known", "w"], ["years"]),
        helper.make_node("Equal", ["shop", "s1"], ["is"]),
        helper.make_node("Cast", ["is"], ["one"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["years", "one"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["scores"]),
    ]
    port = lambda name, kind: helper.make_tensor_value_info(name, kind, ["rows", 1])
    graph = helper.make_graph(
        nodes,
        "graph",
        [port("shop", TensorProto.STRING), port("age", TensorProto.FLOAT)],
        [port("scores", TensorProto.FLOAT)],
        [
            numpy_helper.from_array(np.float32(0.02), "w"),
            numpy_helper.from_array(np.float32(0), "zero"),
            helper.make_tensor("s1", TensorProto.STRING, [1], [b"s1"]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return base64.b64encode(made.SerializeToString()).decode()


def blind():
    """Knows no missing age: gives NaN for one."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["scores"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(np.array([[0.02], [0.3]], np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return base64.b64encode(made.SerializeToString()).decode()


models = {
    "shop": shop(),
    "blind": blind(),
    "buys": model([[0.02], [0.3]], "Sigmoid"),
    "amount": model([[0.02], [0.3]], "Identity"),
    "kind": model([[0.1, 0, 0.02], [0, 0.3, 0.1]], "Softmax"),
    "three": model([[0.1], [0.2], [0.3]], "Sigmoid"),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(models, indent=1) + "\n")
