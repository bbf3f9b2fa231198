"""A tower of bidirectional LSTM layers."""

import dataclasses

from keras import layers

from mtl_keras._registry import public
from mtl_keras.towers._recurrent_tower import RecurrentTower


@public
@dataclasses.dataclass(frozen=True)
class BiLSTM(RecurrentTower):
    """Token embeddings, `"embedding"`, then LSTM layers in both directions: `"lstm1"`, `"lstm2"`, ...

    The features keep the positions, `[B, L, 2 * units]`, and have a Keras mask. `heads.Tagging` reads every position;
    other heads read the mean over the tokens. The inputs are token ids or texts: see `TextTower`, the base class.

    Args:
        units: Width of each layer, in each direction.
        embedding_dim: Width of the token embeddings.
        dropout: Share of the values dropped after the embeddings and after each layer, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.

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
