"""A tower of bidirectional LSTM layers."""

import dataclasses

from keras import layers

from mtl_keras._registry import public
from mtl_keras.towers._recurrent_tower import RecurrentTower


@public
@dataclasses.dataclass(frozen=True)
class BiLSTM(RecurrentTower):
    """Token embeddings, `"embedding"`, then LSTM layers in both directions: `"lstm1"`, `"lstm2"`, ...

    The features keep the positions, `[B, L, 2 * units]`, with a Keras mask: `heads.Tagging` reads each of them, and
    other heads their mean over the tokens. Padding, id 0, changes nothing. The inputs are token ids `[B, L]`, or, with
    a vocabulary, strings `[B]` or `[B, 1]`, which are split at white space and looked up inside the model, so that an
    export takes raw text; a text without a token counts as one unknown token. `from_data` finds the vocabulary of
    texts, and `inputs` makes the Keras input. The stage `"embedding"` is a front: one copy of it serves all tasks,
    unless they have towers of their own, as with `single_task`.

    Args:
        units: Width of each layer, in each direction.
        embedding_dim: Width of the token embeddings.
        dropout: Share of the values dropped after the embeddings and after each layer, in [0, 1).
        l1: Factor of the penalty Σ|w| on each kernel that is added to what is trained; the embeddings and the heads
            have none.
        l2: Factor of the penalty Σw².
        vocabulary: Distinct tokens, for strings; their ids begin at 2, after 0, the padding, and 1, unknown tokens.
        num_tokens: Number of ids without a vocabulary: they are below it.
        length: Number of tokens that strings are cut or padded to; None: padded to the longest of the batch.
        standardize: What is done to strings first: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"` or
            None. For a label a token take what removes no token: `"lower"` or None.

    Raises:
        ValueError: If an argument is out of its range; when a model is built, if its input is no text.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.BiLSTM.from_data(texts, units=(8,), embedding_dim=4, standardize="lower")
    tasks = [mtl.Task("intent", mtl.heads.Multiclass(2)), mtl.Task("slots", mtl.heads.Tagging(5))]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower)
    model.predict(tf.constant(["show me the fare"]), verbose=0)["slots"].shape  # (1, 4)
    ```

    Reference: A. Graves, J. Schmidhuber, "Framewise phoneme classification with bidirectional LSTM and other neural
    network architectures", 2005.
    """

    _layer = layers.LSTM
    _prefix = "lstm"
