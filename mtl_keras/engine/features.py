"""Where the tasks' graphs part, found from the functional graph."""

import keras


def find_features(model):
    """Returns the tensors that lead from the shared part of a model into a task's own part.

    Only those with something trainable behind them: a gate of a task may read the inputs, which nobody learns.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Returns:
        List of Keras tensors, in the order of the graph.

    Raises:
        ValueError: If nothing is shared, or a task's output lies in the shared part.
    """
    reached = {task: _nodes(output) for task, output in model.output.items()}
    tasks_of = {}  # {id of a node: how many tasks reach it}
    for nodes in reached.values():
        for key in nodes:
            tasks_of[key] = tasks_of.get(key, 0) + 1
    found = {}
    for task, output in model.output.items():
        if tasks_of[_producer(output)[0]] > 1:
            raise ValueError(
                f'`level="features"` needs a part of the graph that each task has alone. The output of task {task!r} '
                'is computed from what other tasks use as well. Use `level="parameters"`.'
            )
        for key, node in reached[task].items():
            if tasks_of[key] > 1:
                continue
            for tensor in node.input_tensors:
                producer, _ = _producer(tensor)
                if tasks_of[producer] > 1 and _trains(tensor):
                    found[id(tensor)] = tensor
    if not found:
        raise ValueError(
            '`level="features"` needs a shared part of the graph whose features the tasks read. In this model nothing '
            "parts: the tasks share no layer."
        )
    return list(found.values())


def is_cut(features, model, shared):
    """Returns whether each path from a shared variable to an output goes through exactly one of the features.

    Then the gradient of the shared variables follows from that of the features alone. It does not where one feature is
    computed from another, or where a task's own part uses a shared layer again.

    Args:
        features: What `find_features` found in the model.
        model: The `keras.Model`.
        shared: List of the variables that two or more outputs reach.
    """
    producers = {_producer(tensor)[0] for tensor in features}
    behind = {}  # {id: node}, all that the features are computed from
    for tensor in features:
        nodes = _nodes(tensor)
        if len(producers & set(nodes)) > 1:
            return False
        behind |= nodes
    shared = {id(v) for v in shared}
    after = (node for output in model.output.values() for key, node in _nodes(output).items() if key not in behind)
    return not any(id(v) in shared for node in after for v in getattr(node.operation, "trainable_variables", ()))


def find_tensor(output, operation):
    """Returns the tensor that the operation of a name made, the nearest one behind an output."""
    waiting, seen = [output], set()
    for tensor in waiting:  # which grows: in the order of the distance
        key, maker = _producer(tensor)
        if maker.name == operation:
            return tensor
        if key not in seen:
            seen.add(key)
            waiting.extend(maker._inbound_nodes[tensor._keras_history.node_index].input_tensors)
    raise ValueError(f"The graph has no operation {operation!r} behind the output {output.name!r}.")


def _trains(tensor):
    """Returns whether anything behind a tensor is trained."""
    return any(getattr(node.operation, "trainable_variables", None) for node in _nodes(tensor).values())


def find_inputs(output):
    """Returns the names of the model's inputs that an output is computed from, as a set."""
    operations = {node.operation for node in _nodes(output).values()}
    return {operation.output.name for operation in operations if isinstance(operation, keras.layers.InputLayer)}


def _nodes(output):
    """Returns the nodes of the graph behind a tensor, {id: node}.

    The history of a Keras tensor is private; there is no public way to tell which call of a layer made it.
    """
    nodes, waiting = {}, [output]
    while waiting:
        key, _ = _producer(tensor := waiting.pop())
        if key not in nodes:
            history = tensor._keras_history
            nodes[key] = history.operation._inbound_nodes[history.node_index]
            waiting.extend(nodes[key].input_tensors)
    return nodes


def _producer(tensor):
    """Returns the node that made a tensor, by id, and its operation."""
    history = tensor._keras_history
    return id(history.operation._inbound_nodes[history.node_index]), history.operation
