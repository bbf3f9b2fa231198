"""The Jacobian of the tasks' losses, in blocks of columns."""

import tensorflow as tf

LARGE = 2**18  # columns from which on a block does not hold its rows a second time
SLICES = 64  # of a large block


def jacobian(tape, losses, sources, own, replicas, *, inverse_scale, sparse, summed):
    """Returns J as blocks [T, P_v], and the own gradients of each task, which come from the same passes.

    Args:
        tape: The persistent tape that saw the forward pass.
        losses: The scaled losses [T] to differentiate, a list.
        sources: The variables or feature tensors that J is with respect to.
        own: The own variables of each task, a list of lists.
        replicas: The `Replicas`.
        inverse_scale: Factor that takes the scale off again.
        sparse: Whether the gradients of an embedding may stay sparse.
        summed: Whether the replicas' blocks are parts of a sum: those of variables are, those of features not.
    """
    rows, own_gradients = [], []
    for loss, variables in zip(losses, own, strict=True):
        gradients = tape.gradient(loss, [*sources, *variables])
        rows.append(gradients[: len(sources)])
        own_gradients.append(gradients[len(sources) :])
    columns = zip(*rows, strict=True)
    blocks = [make_block(s, column, inverse_scale, not sparse) for s, column in zip(sources, columns, strict=True)]
    if summed and replicas.num > 1:
        blocks = [Block(tf.unstack(replicas.sum(block.stacked())), block.restore, sliced=False) for block in blocks]
    return blocks, own_gradients


class Block:
    """The columns of J that belong to one variable or feature tensor.

    Args:
        rows: List of T tensors [P_v], float32.
        restore: Function that makes of a direction [P_v] a gradient of the variable.
        sliced: Whether to go through many columns slice by slice, in a loop; replicas cannot talk in one.
    """

    def __init__(self, rows, restore, sliced=True):
        self.rows = rows
        self.restore = restore
        self.is_large = sliced and (rows[0].shape[0] or 0) >= LARGE  # a second copy of the rows is to be avoided
        self._stacked = None

    def stacked(self):
        """Returns the rows as one tensor. [T, P_v]"""
        if self._stacked is None:
            self._stacked = tf.stack(self.rows)
        return self._stacked

    def gramian(self, other):
        """Returns the product with the transposed block of another Jacobian. [T, T]"""
        if not self.is_large:
            return tf.matmul(self.stacked(), other.stacked(), transpose_b=True)

        def product(start, size):
            mine = self._slice(start, size)
            return tf.matmul(mine, mine if other is self else other._slice(start, size), transpose_b=True)

        size, rest = divmod(self.rows[0].shape[0], SLICES)
        (total,) = _loop(lambda i, total: (i + 1, total + product(i * size, size)), product(SLICES * size, rest))
        return total

    def aggregated(self, function):
        """Returns what a function of rows [T, n] makes of the columns, slice by slice [P_v], and its products [T]."""
        if not self.is_large:
            direction = function(self.stacked())
            return direction, tf.linalg.matvec(self.stacked(), direction)
        size, rest = divmod(self.rows[0].shape[0], SLICES)

        def add(i, parts, products):
            rows = self._slice(i * size, size)
            part = function(rows)
            return i + 1, parts.write(i, part), products + tf.linalg.matvec(rows, part)

        parts = tf.TensorArray(tf.float32, SLICES, element_shape=[size])
        parts, products = _loop(add, parts, tf.zeros([len(self.rows)]))
        direction = tf.reshape(parts.stack(), [-1])
        if rest:
            rows = self._slice(SLICES * size, rest)
            last = function(rows)
            direction, products = tf.concat([direction, last], axis=0), products + tf.linalg.matvec(rows, last)
        return direction, products

    def _slice(self, start, size):
        return tf.stack([tf.slice(row, [start], [size]) for row in self.rows])

    def combine(self, weights):
        """Returns the weighted sum of the rows. [P_v]"""
        if not self.is_large:
            return tf.linalg.matvec(self.stacked(), weights, transpose_a=True)
        return tf.add_n([row * weight for row, weight in zip(self.rows, tf.unstack(weights), strict=True)])


class JoinedBlock:
    """The columns of the whole batch's J, from the blocks of its two halves: J = diag(a)·J₁ + diag(b)·J₂.

    Args:
        first, second: The `Block`s of the halves.
        shares: Shares a and b [T] of each task's labels that the halves have.
    """

    def __init__(self, first, second, shares):
        self.halves = (first, second)
        self.shares = shares
        self.restore = first.restore

    def gramian(self, _):
        """Returns the product with itself transposed. [T, T]"""
        (first, second), (a, b) = self.halves, self.shares
        cross = first.gramian(second) * a[:, None] * b
        squares = first.gramian(first) * a[:, None] * a + second.gramian(second) * b[:, None] * b
        return squares + cross + tf.transpose(cross)

    def combine(self, weights):
        """Returns the weighted sum of the rows. [P_v]"""
        return tf.add_n([half.combine(weights * share) for half, share in zip(self.halves, self.shares, strict=True)])


def _loop(step, *state):
    """Returns the state after `step(i, *state)` has been called for each slice, one after the other."""
    _, *state = tf.while_loop(lambda i, *_: i < SLICES, step, (0, *state), parallel_iterations=1)
    return state


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
