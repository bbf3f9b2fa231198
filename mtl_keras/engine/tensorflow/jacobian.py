"""The Jacobian of the tasks' losses, in blocks of columns."""

import itertools

import tensorflow as tf

LARGE = 2**18  # columns from which on a block does not hold its rows a second time
SLICES = 16  # in which the rows of a large block are multiplied


def jacobian(model, tape, losses, sources, own, replicas):
    """Returns J as blocks [T, P_v], and the own gradients of each task, which come from the same passes.

    Args:
        model: The `MultiTaskModel`, with a plan.
        tape: The persistent tape that saw the forward pass.
        losses: The scaled losses [T] to differentiate, a list.
        sources: The variables or feature tensors that J is with respect to.
        own: `{task: own variables}`.
        replicas: The `Replicas`.
    """
    plan = model.plan
    dense = replicas.num > 1 or model.jit_compile or plan.reads != "gramian"
    inverse_scale = 1.0 / model.optimizer.scale_loss(1.0)
    rows, own_gradients = [], []
    for task, loss in zip(model.objectives, losses, strict=True):
        gradients = tape.gradient(loss, [*sources, *own.get(task, [])])
        rows.append(gradients[: len(sources)])
        own_gradients.append(gradients[len(sources) :])
    columns = zip(*rows, strict=True)
    blocks = [make_block(s, column, inverse_scale, dense) for s, column in zip(sources, columns, strict=True)]
    if plan.level == "parameters" and replicas.num > 1:
        blocks = [Block(tf.unstack(replicas.sum(block.stacked())), block.restore) for block in blocks]
    return blocks, own_gradients


class Block:
    """The columns of J that belong to one variable or feature tensor.

    Args:
        rows: List of T tensors [P_v], float32.
        restore: Function that makes of a direction [P_v] a gradient of the variable.
    """

    def __init__(self, rows, restore):
        self.rows = rows
        self.restore = restore
        self._stacked = None

    @property
    def is_large(self):
        """Whether a second copy of the rows is to be avoided."""
        return (self.rows[0].shape[0] or 0) >= LARGE

    def stacked(self):
        """Returns the rows as one tensor. [T, P_v]"""
        if self._stacked is None:
            self._stacked = tf.stack(self.rows)
        return self._stacked

    def gramian(self, other):
        """Returns the product with the transposed block of another Jacobian. [T, T]"""
        if not self.is_large:
            return tf.matmul(self.stacked(), other.stacked(), transpose_b=True)
        total = tf.zeros([len(self.rows), len(self.rows)])
        for start, end in self._edges():
            with tf.control_dependencies([total]):  # one slice after the other
                mine = self._slice(start, end)
                theirs = mine if other is self else other._slice(start, end)
                total = total + tf.matmul(mine, theirs, transpose_b=True)
        return total

    def aggregated(self, function):
        """Returns what a function of rows [T, n] makes of the columns, part by part [P_v], and its products [T]."""
        if not self.is_large:
            direction = function(self.stacked())
            return direction, tf.linalg.matvec(self.stacked(), direction)
        parts, products = [], tf.zeros([len(self.rows)])
        for start, end in self._edges():
            with tf.control_dependencies([products]):  # one slice after the other
                rows = self._slice(start, end)
                parts.append(function(rows))
                products = products + tf.linalg.matvec(rows, parts[-1])
        return tf.concat(parts, axis=0), products

    def _edges(self):
        """Returns where the slices of a large block start and end."""
        size = self.rows[0].shape[0]
        return itertools.pairwise([size * i // SLICES for i in range(SLICES + 1)])

    def _slice(self, start, end):
        return tf.stack([tf.slice(row, [start], [end - start]) for row in self.rows])

    def combine(self, weights):
        """Returns the weighted sum of the rows. [P_v]"""
        if not self.is_large:
            return tf.linalg.matvec(self.stacked(), weights, transpose_a=True)
        return tf.add_n([row * weight for row, weight in zip(self.rows, tf.unstack(weights), strict=True)])

    def joined(self, other, shares):
        """Returns the block of the whole batch from those of its halves and the halves' shares [T] of the labels."""
        first, second = map(tf.unstack, shares)
        rows = zip(first, self.rows, second, other.rows, strict=True)
        return Block([a * mine + b * theirs for a, mine, b, theirs in rows], self.restore)


def make_block(source, column, inverse_scale, dense):
    """Returns the block of a source from its gradient for each task, None where the task does not reach it.

    The gradients of an embedding stay sparse: only the rows of the table that the batch looked up get columns.
    """
    present = [g for g in column if g is not None]
    if present and not dense and all(isinstance(g, tf.IndexedSlices) for g in present):
        table = tf.TensorShape(source.shape)
        used, position = tf.unique(tf.concat([g.indices for g in present], axis=0))
        positions = iter(tf.split(position, [tf.shape(g.indices)[0] for g in present]))
        size = tf.shape(used)[0]
        parts = [
            tf.zeros([size, *table[1:]])
            if g is None
            else tf.math.unsorted_segment_sum(tf.cast(g.values, tf.float32), next(positions), size)
            for g in column
        ]

        def restore(direction):
            values = tf.cast(tf.reshape(direction, [-1, *table[1:]]), source.dtype)
            return tf.IndexedSlices(values, used, tf.constant(table.as_list(), tf.int64))

    else:
        parts = [tf.zeros_like(source) if g is None else tf.convert_to_tensor(g) for g in column]

        def restore(direction):
            return tf.cast(tf.reshape(direction, tf.shape(source)), source.dtype)

    rows = [tf.reshape(tf.cast(part, tf.float32), [-1]) for part in parts]
    return Block(rows if isinstance(inverse_scale, float) else [row * inverse_scale for row in rows], restore)
