"""The Jacobian of the tasks' losses, in blocks of columns."""

import tensorflow as tf

LARGE = 2**18  # blocks with so many columns do not hold a second copy of their rows
SLICES = 64  # of a large block


class Jacobian:
    """The Jacobian J of losses. Its rows are computed on demand.

    Args:
        tape: The persistent tape of the forward pass.
        losses: The scaled losses to differentiate, a list.
        sources: The variables or feature tensors to differentiate by.
        replicas: The `Replicas`.
        inverse_scale: Factor that removes the scale.
        sparse: Whether the gradients of an embedding may stay sparse.
        summed: Whether the blocks of the replicas must be added: True for variables, False for features.
    """

    def __init__(self, tape, losses, sources, replicas, *, inverse_scale, sparse, summed):
        self.tape = tape
        self.losses = losses
        self.sources = sources
        self.replicas = replicas
        self.inverse_scale = inverse_scale
        self.summed = summed and replicas.num > 1
        self._used = [None] * len(sources)  # the rows of each source that have gradients, in order; None for all
        self._is_looked_up = not sparse

    def rows(self, own=None, start=0, stop=None):
        """Returns the rows of some losses as blocks, and each loss' own gradients, which come from the same passes.

        Args:
            own: The own variables of the task of each loss, a list of lists; None for no own gradients.
            start, stop: Range of the losses.
        """
        rows, own_gradients = [], []
        for i, loss in list(enumerate(self.losses))[start:stop]:
            gradients = self.tape.gradient(loss, [*self.sources, *(own[i] if own else [])])
            rows.append(gradients[: len(self.sources)])
            own_gradients.append(gradients[len(self.sources) :])
        if any(isinstance(g, tf.IndexedSlices) for row in rows for g in row):
            self._look_up()
        columns = zip(*rows, strict=True)
        blocks = [
            make_block(source, column, self.inverse_scale, used)
            for source, column, used in zip(self.sources, columns, self._used, strict=True)
        ]
        if self.summed:
            blocks = [
                Block(tf.unstack(self.replicas.sum(block.stacked())), block.restore, sliced=False) for block in blocks
            ]
        return blocks, own_gradients

    def gramian(self, size, own=None):
        """Returns J·Jᵀ, and the own gradients, with `size` rows in memory and one more.

        The first rows are kept, while those of all later losses are computed one by one and multiplied with them. Then
        the next rows are kept. So most rows are computed several times.
        """
        self._look_up()
        done, own_gradients, bands = tf.zeros([]), [], []
        for start in range(0, len(self.losses), size):
            kept, band = None, []
            for i in (start, *range(start + size, len(self.losses))):
                with tf.control_dependencies([done]):  # so that one pass follows the other
                    blocks, found = self.rows(None if start else own, i, i + (1 if kept else size))
                kept = kept or blocks
                done = product(kept, blocks)
                band.append(done)
                own_gradients += [] if start else found
            bands.append(tf.pad(tf.concat(band, axis=1), [[0, 0], [start, 0]]))
        upper = tf.linalg.band_part(tf.concat(bands, axis=0), 0, -1)
        return upper + tf.transpose(upper) - tf.linalg.band_part(upper, 0, 0), own_gradients

    def _look_up(self):
        """Finds which rows of an embedding any of the losses looked up, once.

        They are those in the gradient of the sum of the losses. A graph computes them without that gradient.
        """
        if self._is_looked_up:
            return
        gradients = self.tape.gradient(self.losses, self.sources)
        self._used = [tf.sort(tf.unique(g.indices)[0]) if isinstance(g, tf.IndexedSlices) else None for g in gradients]
        self._is_looked_up = True


def product(blocks, others):
    """Returns the product of two Jacobians, J₁·J₂ᵀ, accumulated block by block. [T₁, T₂]"""
    return tf.add_n([block.gramian(other) for block, other in zip(blocks, others, strict=True)])


class Block:
    """The columns of J that belong to one variable or feature tensor.

    Args:
        rows: List of T tensors [P_v], float32.
        restore: Function that turns a direction [P_v] into a gradient of the variable.
        sliced: Whether to process many columns slice by slice, in a loop. Replicas cannot sum in a loop.
    """

    def __init__(self, rows, restore, sliced=True):
        self.rows = rows
        self.restore = restore
        self.is_large = sliced and (rows[0].shape[0] or 0) >= LARGE  # avoid a second copy of the rows
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
        """Applies a function of rows [T, n] slice by slice; returns the direction [P_v] and its products [T]."""
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


def _loop(step, *state):
    """Returns the state after `step(i, *state)` has been called for each slice, one after the other."""
    _, *state = tf.while_loop(lambda i, *_: i < SLICES, step, (0, *state), parallel_iterations=1)
    return state


def make_block(source, column, inverse_scale, used=None):
    """Returns the block of a source from its gradient for each task, None where the task does not reach it.

    The gradients of an embedding stay sparse: only the rows of the table that the batch looked up get columns.

    Args:
        source: A variable or feature tensor.
        column: List of T gradients.
        inverse_scale: Factor that removes the scale.
        used: Indices of the rows of the table that have columns, in order; None for all.
    """
    if used is None:
        parts = [tf.zeros_like(source) if g is None else tf.convert_to_tensor(g) for g in column]

        def restore(direction):
            return tf.cast(tf.reshape(direction, tf.shape(source)), source.dtype)

    else:
        table, size = tf.TensorShape(source.shape), tf.shape(used)[0]
        parts = [
            tf.zeros([size, *table[1:]])
            if g is None
            else tf.math.unsorted_segment_sum(tf.cast(g.values, tf.float32), tf.searchsorted(used, g.indices), size)
            for g in column
        ]

        def restore(direction):
            values = tf.cast(tf.reshape(direction, [-1, *table[1:]]), source.dtype)
            return tf.IndexedSlices(values, used, tf.constant(table.as_list(), tf.int64))

    rows = [tf.reshape(tf.cast(part, tf.float32), [-1]) for part in parts]
    return Block(rows if isinstance(inverse_scale, float) else [row * inverse_scale for row in rows], restore)
