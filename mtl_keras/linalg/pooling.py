"""Combines the predictions of several models, by the kind of prediction."""

from keras import ops

from mtl_keras.linalg import crf

KINDS = ("classes", "events", "numbers", "rates", "normal", "chain", "cells")
WAYS = ("mean", "geometric", "vote")
_TINY = 1e-30
_EPS = 6e-8  # upper bound of 1 - p if p is 1 in float32


def pool_outputs(kind, way, outputs, weights, tie=0.5):
    """Returns the pooled outputs of M models, in float32.

    Args:
        kind: As in `pool`; or `"chain"`, the potentials of tags, [B, L + K, K]. They are turned into probabilities
            [B, L, K], except under `"geometric"`.
        way, weights, tie: As in `pool`.
        outputs: List of M tensors [..., F].
    """
    outputs = [ops.cast(output, "float32") for output in outputs]
    if kind != "chain":
        return pool(kind, way, ops.stack(outputs), weights, tie)
    if way == "geometric":
        return pool("numbers", "mean", ops.stack(outputs), weights)
    chains = [crf.unpack(output) for output in outputs]
    votes = None
    if way == "vote":
        tags = ops.stack([crf.viterbi(*chain) for chain in chains])  # [M, B, L]
        votes = ops.cast(ops.expand_dims(tags, -1) == ops.arange(outputs[0].shape[-1]), "float32")
    probabilities = ops.stack([crf.marginals(*chain) for chain in chains])
    return pool("classes", way, probabilities, weights, tie, votes)


def pool(kind, way, predictions, weights, tie=0.5, votes=None):
    """Returns the pooled predictions of M models.

    Args:
        kind: `"classes"`, probabilities that sum up to 1 on the last axis; `"events"`, probabilities that do not;
            `"numbers"`; `"rates"`, positive numbers; `"normal"`, a mean and a standard deviation on the last axis; or
            `"cells"`, the cells of a detector.
        way: `"mean"`, that of a mixture; `"geometric"`, the mean of the logarithms, for kinds that have logarithms; or
            `"vote"`, for classes and events.
        predictions: [M, ..., F]
        weights: Weights of the models, [M], or [M, F] for each entry of the last axis; or [M, ..., 1].
        tie: Number of votes that the mean probabilities count as.
        votes: The votes of each model, 0 or 1, [M, ..., F]; by default for the most probable class, or for events with
            a probability above 0.5.

    Returns:
        [..., F]
    """
    weights = ops.cast(weights, predictions.dtype)
    w = _normalised(weights, predictions)
    if way == "vote" and kind in ("classes", "events"):
        votes = _votes(kind, predictions) if votes is None else votes
        total = ops.sum(weights, axis=0)  # a vote of a model with weight 1 counts as 1
        return (total * ops.sum(w * votes, axis=0) + tie * ops.sum(w * predictions, axis=0)) / (total + tie)
    if kind == "cells":
        return _cells(predictions, w, way)
    if kind == "normal":
        return _normal(predictions, w, way)
    if way == "geometric" and kind == "classes":
        return ops.softmax(ops.sum(w * _log(predictions), axis=0), axis=-1)
    if way == "geometric" and kind == "events":
        return ops.sigmoid(ops.sum(w * _logit(predictions), axis=0))
    if way == "geometric" and kind == "rates":
        return ops.exp(ops.sum(w * _log(predictions), axis=0))
    return ops.sum(w * predictions, axis=0)


def _normalised(weights, predictions):
    """Returns weights that sum up to 1 over the models, with as many axes as the predictions."""
    weights = weights / ops.sum(weights, axis=0, keepdims=True)
    if len(weights.shape) == len(predictions.shape):
        return weights
    last = weights.shape[1:] if len(weights.shape) > 1 else (1,)
    return ops.reshape(weights, (weights.shape[0], *(1,) * (len(predictions.shape) - 2), *last))


def _votes(kind, predictions):
    """Returns the votes of each model: 1 for the most probable class, or for each likely event."""
    if kind == "events":
        return ops.cast(predictions > 0.5, predictions.dtype)
    best = ops.argmax(predictions, axis=-1)
    return ops.cast(ops.equal(ops.expand_dims(best, -1), ops.arange(predictions.shape[-1])), predictions.dtype)


def _normal(predictions, w, way):
    """Returns mean and deviation of a mixture of normal distributions, or of their normalised product."""
    mean, variance = predictions[..., :1], ops.square(predictions[..., 1:])
    if way == "geometric":
        precision = ops.sum(w / variance, axis=0)
        pooled, spread = ops.sum(w * mean / variance, axis=0) / precision, 1.0 / precision
    else:
        pooled = ops.sum(w * mean, axis=0)
        spread = ops.sum(w * (variance + ops.square(mean - pooled)), axis=0)
    return ops.concatenate([pooled, ops.sqrt(spread)], axis=-1)


def _cells(logits, w, way):
    """Returns the cells of a detector. Their boxes are means weighted by the confidences."""
    if way == "geometric":
        return ops.sum(w * logits, axis=0)
    boxes, confidences = ops.sigmoid(logits[..., :4]), ops.sigmoid(logits[..., 4:5])
    classes = ops.exp(ops.log_softmax(logits[..., 5:], axis=-1))  # Keras warns of a softmax over one class
    confidence = ops.sum(w * confidences, axis=0)
    share = w * confidences / ops.maximum(confidence, _TINY)
    box = ops.sum(share * boxes, axis=0)
    parts = [_logit(box), _logit(confidence), _log(ops.sum(share * classes, axis=0))]
    return ops.concatenate(parts, axis=-1)


def _log(probability):
    return ops.log(ops.maximum(probability, _TINY))


def _logit(probability):
    return _log(probability) - ops.log(ops.maximum(1.0 - probability, _EPS))
