"""A training step has nothing that keeps it off a GPU: no Python, no pinned device, no op that only a CPU has.

The kernels are looked up in TensorFlow, whose wheel for Linux has those for GPUs whether there is one or not.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

import mtl_keras as mtl
from mtl_keras import _registry
from tests.helpers import graphs, toy
from tests.helpers.marks import fast_only
from tests.unit.heads.test_missing_labels import CASES as HEADS
from tests.unit.heads.test_missing_labels import build

pytestmark = pytest.mark.graph

PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless"}
ALLOWED = {  # op: why
    "Const": "the texts of error messages",
    "MatrixDiagV3": "`padding_value`, a constant number",
    "MatrixDiagPartV3": "`padding_value`, a constant number",
    "Range": "start, limit and step, three numbers",
    "Assert": "the losses [T] of a message, in the branch of a condition where the step fails",
}


@functools.cache
def _kernels(op):
    return [k for k in kernels.get_registered_kernels_for_op(op).kernel if k.device_type in ("GPU", "DEFAULT")]


def _types(node):
    """Returns {attribute: data type} of a node."""
    return {name: value.type for name, value in node.attr.items() if value.WhichOneof("value") == "type"}


def _kernel(node):
    """Returns the kernel that a GPU uses for a node, None if it has none."""
    types = _types(node)
    suitable = [
        kernel
        for kernel in _kernels(node.op)
        if all(types[c.name] in c.allowed_values.list.type for c in kernel.constraint if c.name in types)
    ]
    return min(suitable, key=lambda kernel: kernel.device_type == "DEFAULT", default=None)


def _floats_on_host(node, kernel):
    """Returns which arguments of a node are floating-point numbers that the kernel wants in the host's memory."""
    definition, types = op_def_registry.get(node.op), _types(node)
    arguments = {a.name: types.get(a.type_attr, a.type) for a in [*definition.input_arg, *definition.output_arg]}
    return [name for name in kernel.host_memory_arg if arguments[name] and tf.as_dtype(arguments[name]).is_floating]


def _on_host(step, *batch):
    """Returns what in the graph of a step, and in the functions that it calls, a GPU leaves to the host."""
    found = set()
    for node in graphs.nodes(step, *batch):
        kernel = _kernel(node)
        device = tf.DeviceSpec.from_string(node.device).device_type
        if device:
            found.add(f"{node.op} is bound to a {device}")
        if node.op in PYTHON:
            found.add(f"{node.op} runs Python")
        elif node.op not in ALLOWED and kernel is None:
            found.add(f"{node.op} {sorted(tf.as_dtype(t).name for t in _types(node).values())} has no kernel for GPUs")
        elif node.op not in ALLOWED:
            found |= {f"{node.op} wants {name} on the host" for name in _floats_on_host(node, kernel)}
    return found


needs_gpu_kernels = pytest.mark.skipif(
    not any(k.device_type == "GPU" for k in _kernels("MatMul")), reason="a TensorFlow without kernels for GPUs"
)


def _batch():
    x, y = toy.arrays()
    weights = {task: np.ones(len(x), "float32") for task in y}
    return tf.nest.map_structure(tf.constant, (x, y, weights))


def _on_cpu(x):
    with tf.device("CPU:0"):
        return x + x


@needs_gpu_kernels
@pytest.mark.parametrize(
    ("step", "found"),
    [
        (lambda x: tf.py_function(tf.sin, [x], tf.float32), {"EagerPyFunc runs Python"}),
        (lambda x: tf.numpy_function(np.sin, [x], tf.float32), {"PyFunc runs Python"}),
        (
            lambda x: tf.cond(x[0, 0] > 0, lambda: tf.numpy_function(np.sin, [x], tf.float32), lambda: x),
            {"PyFunc runs Python"},
        ),
        (_on_cpu, {"AddV2 is bound to a CPU"}),
        (tf.linalg.eigvals, {"Eig ['complex64', 'float32'] has no kernel for GPUs"}),
        (tf.linalg.qr, {f"Qr wants {name} on the host" for name in ("input", "q", "r")}),
        (lambda x: tf.linalg.eigh(x @ x)[0], set()),
    ],
    ids=["python", "numpy", "in a condition", "device", "kernel", "memory", "nothing"],
)
def test_what_a_gpu_leaves_to_the_host_is_found(step, found):
    assert _on_host(step, tf.ones([3, 3])) == found


@needs_gpu_kernels
@pytest.mark.parametrize(
    "arguments",
    fast_only(
        [
            {},
            *({"weighting": name} for name in _registry.names("weightings")),
            {"weighting": "nash_mtl", "every": 3},
            {"weighting": "nash_mtl", "level": "features"},
            {"weighting": "nash_mtl", "nonfinite": "raise"},
        ],
        fast=[{"weighting": "nash_mtl"}],
    ),
    ids=lambda arguments: " ".join(map(str, arguments.values())) or "plain",
)
def test_a_step_of_each_weighting(arguments):
    model = toy.model(**{"optimizer": "adam", "metrics": None, **arguments})
    assert _on_host(model.train_step, _batch()) == set()


SCHEMES = ["cross_stitch", "dselect_k", "ltb", "mmoe", "mtan", "nddr", "ple", "sluice"]


@needs_gpu_kernels
@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_step_of_each_kind_of_sharing(scheme):
    model = toy.model(sharing=scheme, tower=mtl.towers.MLP((8, 8)), weighting="pcgrad")
    assert _on_host(model.train_step, _batch()) == set()


@needs_gpu_kernels
@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_a_step_of_each_head(name):
    """With the head's own metrics."""
    head, labels = HEADS[name]
    model, x = build(head)
    model.compile("adam")
    batch = tf.nest.map_structure(tf.constant, (x, {"task": labels}, {"task": np.ones(len(x), "float32")}))
    assert _on_host(model.train_step, batch) == set()


@needs_gpu_kernels
@pytest.mark.slow
def test_a_step_in_float16():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = toy.model(weighting="nash_mtl", optimizer="adam", metrics=None)
    finally:
        keras.config.set_dtype_policy("float32")
    assert _on_host(model.train_step, _batch()) == set()


@needs_gpu_kernels
@pytest.mark.slow
def test_a_step_with_an_embedding():
    """The rows that a batch looks up are found on the device."""
    tower = keras.Sequential([keras.layers.Embedding(30, 4), keras.layers.GlobalAveragePooling1D()])
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model(keras.Input((5,), dtype="int32", name="tokens"), tasks, tower=tower)
    model.compile("adam", weighting="pcgrad")
    batch = tf.zeros([16, 5], tf.int32), {"a": tf.zeros([16]), "b": tf.zeros([16], tf.int32)}
    assert _on_host(model.train_step, batch) == set()
