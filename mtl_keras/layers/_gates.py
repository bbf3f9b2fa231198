"""Functions that all gates use."""

from keras import ops


def softmax(logits):
    """Returns the softmax over the last axis in float32; 1 for a single entry, where Keras' own function warns."""
    logits = ops.cast(logits, "float32")
    return ops.softmax(logits) if logits.shape[-1] > 1 else ops.ones_like(logits)


def squared_variation(gate):
    """Returns the squared coefficient of variation of the experts' importance; 0 if all are equally important.

    Args:
        gate: Weights of the experts. [B, E]
    """
    importance = ops.sum(gate, axis=0)  # [E]
    return ops.var(importance) / ops.maximum(ops.square(ops.mean(importance)), 1e-12)


def shown(labels, name, means, num_experts):
    """Returns `{table: {row: {expert: value}}}`, as `sharing.inspect` shows it.

    Args:
        labels: (row, names of the experts, ending of the names of the tables), or None.
        name: Name of the layer; it is the row if there are no labels.
        means: `{table: values [E]}`.
    """
    row, experts, end = labels or (name, [f"expert{i}" for i in range(1, num_experts + 1)], "")
    return {table + end: {row: dict(zip(experts, values, strict=True))} for table, values in means.items()}
