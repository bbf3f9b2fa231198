"""The head for a tag for every token."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice, count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.layers import CRF, HMM, DecodeCRF
from mtl_keras.losses import CRFLikelihood
from mtl_keras.metrics._accuracy import accuracy_of_classes
from mtl_keras.metrics._entry_mean import EntryMean


@public
class Tagging(Head):
    """One of `num_tags` tags for every token of a sequence: predicts the tags, int32 [batch, length].

    The features must be a sequence, [batch, length, channels], as from a sequence tower. Labels are integers from 0 to
    `num_tags` - 1, [batch, length]; any may be missing: for `data.from_arrays`, mark them with -1. The Keras mask of
    the features leaves padding out of the loss and the metrics, for any labels. Predictions for padding have
    no meaning.

    With `structure="softmax"`, each tag is predicted independently; the default loss is the sparse categorical
    cross-entropy. With `"crf"`, a linear-chain conditional random field over the sequence without padding (by the Keras
    mask of the features) learns which tag follows which; the default loss is `losses.CRFLikelihood`, and the predicted
    tags are the most probable path. `"hmm"` is a conditional random field whose potentials are those of a hidden Markov
    model: transitions as probabilities, and the network's probabilities over the tags' prior, `layers.HMM`. It is
    trained by the same loss; or call `model.get_layer(task_name).count(labels)` to set transitions and prior from
    labels, and give the task `loss=losses.CRFLikelihood("joint")`. The default metric is the accuracy of the tags.

    Later tasks in a cascade read the softmax of each token's own scores, also under `"crf"`.

    Args:
        num_tags: Number of tags, at least 2.
        structure: `"softmax"`, `"crf"` or `"hmm"`.
        predict: What `predict`, the metrics and exports get: `"tags"`; or `"probabilities"`, [batch, length, num_tags],
            under `"crf"` and `"hmm"` those over all paths.
        hidden: Widths of the dense layers of the head, which read each token by itself.
        activation: Activation of those layers.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if the features are not a sequence.

    Example:

    ```python
    words = keras.Input((None,), dtype="int32")
    encoder = keras.Sequential([keras.layers.Embedding(50, 8, mask_zero=True), keras.layers.Dense(8)])
    tasks = [mtl.Task("intent", mtl.heads.Multiclass(3)), mtl.Task("slots", mtl.heads.Tagging(5, "crf"))]
    model = mtl.build_model(words, tasks, tower=encoder)
    model.predict(np.array([[4, 2, 9, 0]]), verbose=0)["slots"].shape  # (1, 4)
    ```

    Reference: G. Lample, M. Ballesteros, S. Subramanian, K. Kawakami, C. Dyer, "Neural Architectures for Named Entity
    Recognition", 2016, for the conditional random field above a tower; H. Bourlard, N. Morgan, "Connectionist Speech
    Recognition: A Hybrid Approach", 1994, for the hidden Markov model.
    """

    keeps_positions = True

    def __init__(
        self,
        num_tags: int,
        structure: str = "softmax",
        predict: str = "tags",
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
    ):
        super().__init__(hidden, activation)
        self.num_tags = count("num_tags", num_tags, 2)
        self.structure = choice("structure", structure, ("softmax", "crf", "hmm"))
        self.predict = choice("predict", predict, ("tags", "probabilities"))
        self.output_kind = "classes" if structure == "softmax" else "chain"
        self.num_labels = self.num_classes = self.num_tags
        self.label_range = (0, self.num_tags - 1)

    def pool(self, features: Tensor, name: str) -> Tensor:
        if len(features.shape) != 3:
            raise ValueError(
                f"The features of task {name!r} must be a sequence [batch, length, channels]. "
                f"Received shape {tuple(features.shape)}. Use a tower that keeps its positions."
            )
        return features

    def activate(self, logits: Tensor, name: str) -> Tensor:
        if self.structure != "softmax":
            chain = CRF if self.structure == "crf" else HMM
            return chain(dtype="float32", name=name)(logits)
        return super().activate(logits, name)

    def hand_on(self, logits: Tensor, name: str) -> Tensor:
        return keras.layers.Activation("softmax", dtype="float32", name=name)(logits)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.SparseCategoricalCrossentropy() if self.structure == "softmax" else CRFLikelihood()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [EntryMean(accuracy_of_classes, name="accuracy")]

    def predictions(self, output: Tensor) -> Tensor:
        if self.structure != "softmax":
            return DecodeCRF(self.predict, dtype="float32")(output)
        return ops.argmax(output, axis=-1) if self.predict == "tags" else output

    def pooled(self) -> Head:
        return type(self).from_config({**self.get_config(), "structure": "softmax"})

    def of_predictions(self) -> Head:
        return type(self).from_config({**self.get_config(), "structure": "softmax", "hidden": []})

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        if self.predict == "tags":
            return {"label": output}  # [B, L]
        decoded = {"label": ops.argmax(output, axis=-1), "score": ops.max(output, axis=-1)}  # [B, L]
        if top_k:
            scores, tags = ops.top_k(output, min(top_k, self.num_tags))  # [B, L, k]
            decoded |= {"top_label": tags, "top_score": scores}
        return decoded

    def _output(self):
        return self.num_tags, "softmax"

    def get_config(self) -> dict[str, Any]:
        own = {"num_tags": self.num_tags, "structure": self.structure, "predict": self.predict}
        return {**own, **super().get_config()}
