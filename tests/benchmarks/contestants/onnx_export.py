"""A network of mlpk, channels last, as an ONNX model, whose layers have channels first."""

from __future__ import annotations

from typing import Any

import numpy as np
from net import KERNEL, POOL
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

import mlpk
from mlpk.graph import Node

__all__ = ["exported"]

OPSET, IR = 17, 9  # which every onnxruntime of the last years reads
NORM = ("gamma", "beta", "running_mean", "running_var")


class _Export:
    """Nodes and arrays as they are added, one node behind the other."""

    def __init__(self, model: mlpk.Model) -> None:
        self.arrays = {**model.params, **model.buffers}
        self.nodes: list[NodeProto] = []
        self.held: list[TensorProto] = []
        self.last = "x"

    def add(self, kind: str, *arrays: tuple[str, np.ndarray], **fields: Any) -> None:
        """Add a node on what the last one puts out, with arrays by name."""
        for name, array in arrays:
            self.held.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        given = [self.last, *(name for name, _ in arrays)]
        self.last = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, given, [self.last], **fields))

    def add_layer(self, node: Node) -> None:
        """Add a layer of mlpk."""
        places = {**node.params, **node.buffers}
        mine = {local: (name, self.arrays[name]) for local, name in places.items()}
        match node.layer.kind:
            case "dense":
                self.add("Gemm", mine["weight"], mine["bias"])
            case "conv2d":
                name, weight = mine["weight"]
                pads = [KERNEL // 2] * 4
                self.add("Conv", (name, weight.transpose(3, 2, 0, 1)), pads=pads)
            case "batch_norm":
                self.add("BatchNormalization", *(mine[local] for local in NORM))
            case "max_pool2d":
                self.add("MaxPool", kernel_shape=[POOL] * 2, strides=[POOL] * 2)
            case "flatten":  # in another order than ours, which drawn weights don't mind
                self.add("Flatten")
            case "relu":
                self.add("Relu")


def exported(model: mlpk.Model, shape: tuple[int, ...], classes: int) -> ModelProto:
    """Return the network, for rows x of a shape with channels last."""
    export = _Export(model)
    if len(shape) == len(("height", "width", "channels")):
        export.add("Transpose", perm=[0, 3, 1, 2])
    for node in model.graph.nodes.values():
        export.add_layer(node)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, *shape])
    made = helper.make_tensor_value_info(export.last, TensorProto.FLOAT, [None, classes])
    graph = helper.make_graph(export.nodes, "net", [given], [made], export.held)
    onnx_model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR
    )
    checker.check_model(onnx_model)
    return onnx_model
