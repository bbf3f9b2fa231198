"""Common code of the metrics of tags."""

from keras import ops


def as_tags(y_true, y_pred, sample_weight):
    """Returns labels, predicted tags (int32) and weights (float32), all [B, L]; a label below 0 has weight 0.

    Args:
        y_true: Tags, [B, L].
        y_pred: Tags, [B, L], or a score for each, [B, L, num_tags].
        sample_weight: None, [B], [B, 1] or [B, L].
    """
    y_true, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) not in (2, 3):
        raise ValueError(
            "`y_true` must be tags [B, L], and `y_pred` tags [B, L] or a score for each [B, L, num_tags]. "
            f"Received: y_true of shape {tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}."
        )
    if len(y_pred.shape) == 3:
        y_pred = ops.argmax(y_pred, axis=-1)
    weight = ops.cast(1.0 if sample_weight is None else sample_weight, "float32")
    if len(weight.shape) == 1:
        weight = weight[:, None]
    weight = ops.where(y_true < 0, 0.0, ops.broadcast_to(weight, ops.shape(y_true)))
    return y_true, ops.cast(y_pred, "int32"), weight
