"""Linear chains of tags: partition function, marginals and the best path, masked and batched."""

from keras import ops

_RANGE = 60.0  # bound of the transitions whose exponentials are accurate in float32
_ABSENT = -1e30  # the scores of a position outside the chain
_IMPOSSIBLE = -1e9  # the score of an impossible tag, instead of -inf


def pack(emissions, transitions, mask=None):
    """Returns the potentials of a batch of chains as one tensor, [B, L + K, K].

    Args:
        emissions: Score of each tag at each position. [B, L, K]
        transitions: Score of each tag (column) after each tag (row). [K, K]
        mask: Which positions are part of the chain, as booleans; all for None. [B, L]
    """
    if mask is not None:
        emissions = ops.where(mask[:, :, None], emissions, _ABSENT)
    size = transitions.shape[0]
    rows = ops.broadcast_to(transitions[None], (ops.shape(emissions)[0], size, size))
    return ops.concatenate([emissions, rows], axis=1)


def unpack(potentials):
    """Returns the emissions [B, L, K], the transitions [K, K] and the mask [B, L] that `pack` joined."""
    size = potentials.shape[-1]
    emissions = potentials[:, :-size]
    low = emissions <= 0.5 * _ABSENT  # False for NaN
    mask = ops.logical_not(ops.all(low, axis=-1))
    transitions = ops.reshape(potentials[0, -size:], (size, size))  # its rows are known even if L is not
    return ops.where(mask[:, :, None], ops.where(low, _IMPOSSIBLE, emissions), 0.0), transitions, mask


def ends(emissions, mask=None):
    """Returns which positions are the first and the last of a chain, two tensors [B, L, 1] of 0 and 1.

    Args:
        emissions: [B, L, K]
        mask: As in `pack`. [B, L]
    """
    here = ops.ones_like(emissions[:, :, 0], dtype="int32") if mask is None else ops.cast(mask, "int32")
    counts = (ops.cumsum(here, axis=1), ops.flip(ops.cumsum(ops.flip(here, axis=1), axis=1), axis=1))
    return tuple(ops.cast(ops.logical_and(here > 0, count == 1), emissions.dtype)[:, :, None] for count in counts)


def log_partition(emissions, transitions, mask):
    """Returns the logarithm of the sum of exp(score) over all paths through each chain.

    The score of a path is the sum of its emissions and transitions. Positions outside the mask are ignored; a chain
    without positions has the value 0. The gradient is exact: the marginal probabilities. If transitions differ by more
    than 60, a slower method is used that cuts none of them.

    Args:
        emissions: [B, L, K]
        transitions: From row to column. [K, K]
        mask: Booleans. [B, L]

    Returns:
        [B]
    """

    def value(emissions, transitions):
        ahead = _messages(emissions, transitions, mask)  # [L, B, K]
        total = ops.where(ops.any(mask, axis=1), ops.logsumexp(ahead[-1], axis=-1), 0.0)

        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            single, pairs = _marginals(ahead, emissions, transitions, mask, upstream)
            return upstream[:, None, None] * single, pairs

        return total, gradient

    return ops.custom_gradient(value)(emissions, transitions)


def marginals(emissions, transitions, mask):
    """Returns the probability of each tag at each position, over all paths; 0 outside the mask. [B, L, K]"""
    ahead = _messages(emissions, transitions, mask)
    return _marginals(ahead, emissions, transitions, mask, ops.ones_like(emissions[:, 0, 0]))[0]


def viterbi(emissions, transitions, mask):
    """Returns the path of the highest score through each chain, int32; 0 outside the mask. [B, L]"""
    batch, size = ops.shape(emissions)[0], transitions.shape[0]
    stay = ops.broadcast_to(ops.arange(size, dtype="int32")[None], (batch, size))

    def step(carry, read):
        best, started, _ = carry
        emission, here = read[:, :-1], read[:, -1:] > 0.0
        scores = best[:, :, None] + transitions  # [B, K, K]
        moves = ops.logical_and(here, started)
        origin = ops.where(moves, ops.cast(ops.argmax(scores, axis=1), "int32"), stay)
        best = ops.where(moves, ops.max(scores, axis=1) + emission, ops.where(here, emission, best))
        carry = (best, ops.logical_or(started, here), origin)
        return carry, carry

    start = (ops.zeros_like(emissions[:, 0]), ops.zeros_like(mask[:, :1]), stay)
    (best, _, _), (_, _, origins) = ops.scan(step, start, _by_time(emissions, mask))

    def back(tag, origin):
        tag = ops.take_along_axis(origin, tag, axis=1)
        return tag, tag

    last = ops.cast(ops.argmax(best, axis=-1, keepdims=True), "int32")  # [B, 1]
    _, before = ops.scan(back, last, ops.flip(origins, axis=0))
    tags = ops.concatenate([ops.flip(before[:-1], axis=0), last[None]], axis=0)  # [L, B, 1]
    return ops.where(mask, ops.transpose(tags[:, :, 0]), 0)


def _by_time(emissions, mask):
    """Returns emissions and mask as one tensor [L, B, K + 1]: with several tensors, a scan needs a known length."""
    here = ops.cast(mask[:, :, None], emissions.dtype)
    return ops.transpose(ops.concatenate([emissions, here], axis=2), (1, 0, 2))


def _messages(emissions, transitions, mask):
    """Returns for each position and tag the log-sum over the paths that end there, [L, B, K].

    At a position outside the mask it is that of the position before; before the start of the chain it is 0.
    """
    highest = ops.max(transitions)
    factors = ops.exp(transitions - highest)

    def by_product(message):
        top = ops.max(message, axis=-1, keepdims=True)
        return ops.log(ops.matmul(ops.exp(message - top), factors)) + top + highest

    def by_pairs(message):
        return ops.logsumexp(message[:, :, None] + transitions, axis=1)

    def scan(move):
        def step(carry, read):
            message, started = carry
            emission, here = read[:, :-1], read[:, -1:] > 0.0
            new = ops.where(started, move(message), 0.0) + emission
            carry = (ops.where(here, new, message), ops.logical_or(started, here))
            return carry, carry

        start = (ops.zeros_like(emissions[:, 0]), ops.zeros_like(mask[:, :1]))
        return ops.scan(step, start, _by_time(emissions, mask))[1][0]

    return ops.cond(_are_close(transitions), lambda: scan(by_product), lambda: scan(by_pairs))


def _are_close(transitions):
    return ops.max(transitions) - ops.min(transitions) <= _RANGE


def _marginals(ahead, emissions, transitions, mask, weights):
    """Returns the marginals of the positions, and the weighted sum of the marginals of all pairs of neighbours.

    Args:
        ahead: The result of `_messages`. [L, B, K]
        emissions, transitions, mask: As in `log_partition`.
        weights: One factor per chain. [B]
    """
    read = _by_time(emissions, mask)
    emission, here = read[:, :, :-1], read[:, :, -1:]
    behind = ops.flip(
        _messages(ops.flip(emissions, axis=1), ops.transpose(transitions), ops.flip(mask, axis=1)), axis=0
    )
    single = ops.softmax(ahead + behind - emission, axis=-1) * here  # [L, B, K]
    # Each position with the one before; the first has none.
    before = ops.concatenate([ahead[:1], ahead[:-1]], axis=0)
    pairs = here * ops.cast(ops.cumsum(here, axis=0) > 1.0, here.dtype) * weights[:, None]  # [L, B, 1]

    def by_product():
        left = ops.exp(before - ops.max(before, axis=-1, keepdims=True))
        right = ops.exp(behind - ops.max(behind, axis=-1, keepdims=True))
        factors = ops.exp(transitions - ops.max(transitions))
        totals = ops.sum(ops.matmul(left, factors) * right, axis=-1, keepdims=True)
        return factors * ops.einsum("lbj,lbk->jk", left, right * pairs / totals)

    def by_pairs():
        def step(total, read):
            end, begin, pair = ops.split(read, [transitions.shape[0], 2 * transitions.shape[0]], axis=-1)
            scores = end[:, :, None] + transitions + begin[:, None, :]  # [B, K, K]
            shares = ops.exp(scores - ops.logsumexp(scores, axis=(1, 2), keepdims=True))
            return total + ops.sum(shares * pair[:, :, None], axis=0), None

        read = ops.concatenate([before, behind, pairs], axis=-1)
        return ops.scan(step, ops.zeros_like(transitions), read)[0]

    counts = ops.cond(_are_close(transitions), by_product, by_pairs)
    return ops.transpose(single, (1, 0, 2)), counts
