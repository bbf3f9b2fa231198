"""What is in the graph of a function."""

import tensorflow as tf


def nodes(function, *arguments):
    """Returns the nodes of a function's graph and of all functions that it calls, with their shapes."""
    graph = tf.function(function).get_concrete_function(*arguments).graph.as_graph_def(add_shapes=True)
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def lengths(found):
    """Returns the lengths of the first axes of all tensors that other nodes read."""
    read = {name.split(":")[0] for node in found for name in node.input}  # "^name" is an order, no value
    shapes = [shape for node in found if node.name in read for shape in node.attr["_output_shapes"].list.shape]
    return {shape.dim[0].size for shape in shapes if shape.dim}
