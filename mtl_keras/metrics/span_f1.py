"""F1 of the spans that tags describe."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.metrics._spans import SpanRules
from mtl_keras.metrics._tags import as_tags


@public
class SpanF1(keras.metrics.Metric):
    """F1 of entities, where one counts only if its first token, its last token and its type are all right.

    2·(right entities) / (entities predicted + entities in the labels), over all types together: the micro average, the
    figure that is published of slot filling and named entity recognition. It equals `f1_score` of the package seqeval.

    Tokens of weight 0, or with a label below 0, are removed before entities are searched, so the other tokens become
    neighbours. Such tokens are padding, and parts of words without their own label. The weight of an entity is that of
    its first token.

    Args:
        tags: Names of the tags in the order of their ids, such as `["O", "B-city", "I-city"]`.
        scheme: How tags form entities. None: as in the script conlleval, where any tag but O is part of an entity,
            under any scheme (prefixes B, I, E, S). `"IOB1"`, `"IOB2"` or `"IOBES"`: only those that are
            valid under the scheme, as seqeval with `mode="strict"`.
        name: Name of the metric.
        dtype: Type to count in, as in Keras.

    Call arguments:
        y_true: Tags, [B, L].
        y_pred: Tags, [B, L], or a score for each, [B, L, num_tags].
        sample_weight: [B], [B, 1] or [B, L].

    Raises:
        ValueError: If the scheme is unknown, or a tag does not belong to it.

    Example:

    ```python
    metric = mtl.metrics.SpanF1(["O", "B-city", "I-city", "B-date"])
    labels, predictions = np.array([[0, 1, 2, 3, -1]]), np.array([[0, 1, 2, 0, 0]])
    metric.update_state(labels, predictions)
    metric.result()  # 0.67: 2·1 / (1 + 2)
    ```

    Reference: E. Tjong Kim Sang, F. De Meulder, "Introduction to the CoNLL-2003 Shared Task: Language-Independent Named
    Entity Recognition", 2003.
    """

    def __init__(
        self, tags: Sequence[str], scheme: str | None = None, name: str = "span_f1", dtype: str | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.tags = list(tags)
        self.scheme = scheme
        self._rules = SpanRules(self.tags, scheme)
        self.right, self.predicted, self.there = (
            self.add_variable((), "zeros", name=count) for count in ("right", "predicted", "there")
        )

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred, weight = as_tags(y_true, y_pred, sample_weight)
        position = ops.arange(ops.shape(y_true)[1], dtype="int32")
        order = ops.argsort(ops.where(ops.equal(weight, 0), ops.shape(y_true)[1], 0) + position, axis=1)
        weight = ops.take_along_axis(weight, order, axis=1)
        outside = len(self.tags)
        sides = []
        for tags in (y_true, y_pred):
            tags = ops.where(ops.equal(weight, 0), outside, ops.take_along_axis(tags, order, axis=1))
            sides.append(self._rules.spans(tags))
        (there, end, kind), (predicted, predicted_end, predicted_kind) = sides
        same = ops.logical_and(ops.equal(end, predicted_end), ops.equal(kind, predicted_kind))
        right = ops.logical_and(ops.logical_and(there, predicted), same)
        weight = ops.concatenate([weight, ops.zeros_like(weight[:, :1])], axis=1)
        for variable, found in ((self.right, right), (self.predicted, predicted), (self.there, there)):
            variable.assign_add(ops.cast(ops.sum(ops.where(found, weight, 0.0)), variable.dtype))

    def result(self) -> Tensor:
        right, total = (ops.cast(count, "float64") for count in (self.right, self.predicted + self.there))
        return ops.divide_no_nan(2 * right, total)

    def get_config(self) -> dict[str, Any]:
        return {"tags": list(self.tags), "scheme": self.scheme, "name": self.name, "dtype": self.dtype}
