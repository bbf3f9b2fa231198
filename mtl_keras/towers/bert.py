"""A tower like BERT, with the layers of keras-hub."""

import dataclasses
from collections.abc import Callable
from functools import partial

import keras
from keras import layers, ops

from mtl_keras._arguments import count, flag, number, settle
from mtl_keras._extras import need
from mtl_keras._registry import public
from mtl_keras.layers import AddPositions, CopyWithMask
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._text_tower import TextTower


@public
@dataclasses.dataclass(frozen=True)
class BERT(TextTower):
    """The layers of `keras_hub.models.BertBackbone`: `"embedding"`, `"layer1"`, `"layer2"`, ..., and maybe `"pooler"`.

    The features keep the positions, `[B, L, embedding_dim]`, and have a Keras mask. `heads.Tagging` reads every
    position; other heads read the mean over the tokens. With its defaults it has the size of BERT-base, 109,482,240
    parameters with the pooler, and random weights. A preset has its own sizes and weights; every copy of a layer starts
    from them. The inputs are token ids or texts: see `TextTower`, the base class. A preset takes the ids of its own
    tokenizer, with the special tokens (`keras_hub.models.BertTextClassifierPreprocessor`). All tokens belong to the
    first segment.

    Args:
        preset: A preset for `keras_hub.models.BertBackbone.from_preset`, such as `"bert_tiny_en_uncased"` or a folder;
            None for random weights.
        embedding_dim: Width of the embeddings and of every layer; `num_heads` divides it.
        num_layers: Number of layers.
        num_heads: Number of attention heads of each layer.
        units: Width of the hidden layer between two attentions.
        max_length: Largest number of tokens in a text.
        dropout: Share of the values dropped, in [0, 1).
        pooled: Whether the features are the output of a dense layer with tanh on the first position,
            `[B, embedding_dim]`, instead of all positions.
        vocabulary, num_tokens, length, standardize: How texts become token ids: see `TextTower`, the base class.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if its input is not a text.
        ImportError: If keras-hub is not installed; install the extra `text`.

    Example:

    ```python
    texts = np.array(["show me the flights", "what is the fare"])
    tower = mtl.towers.BERT.from_data(texts, embedding_dim=8, num_layers=1, num_heads=2, units=16)
    model = mtl.build_model(tower.inputs(), [mtl.Task("intent", mtl.heads.Multiclass(2))], tower=tower)
    model.predict(tf.constant(["the fare, please"]), verbose=0)["intent"].shape  # (1, 2)
    ```

    Reference: J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT: Pre-training of deep bidirectional transformers for
    language understanding", NAACL 2019. Departure: features are all positions by default.
    """

    preset: str | None = None
    embedding_dim: int = 768
    num_layers: int = 12
    num_heads: int = 12
    units: int = 3072
    max_length: int = 512
    dropout: float = 0.1
    pooled: bool = False
    num_tokens: int = dataclasses.field(default=30_522, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            embedding_dim=count("embedding_dim", self.embedding_dim),
            num_layers=count("num_layers", self.num_layers),
            num_heads=count("num_heads", self.num_heads),
            units=count("units", self.units),
            max_length=count("max_length", self.max_length),
            dropout=number("dropout", self.dropout, at_least=0, below=1, hint="Use 0.0 for none."),
            pooled=flag("pooled", self.pooled),
        )
        if self.embedding_dim % self.num_heads:
            raise ValueError(
                "`embedding_dim` must be a multiple of `num_heads`. "
                f"Received: embedding_dim={self.embedding_dim}, num_heads={self.num_heads}."
            )
        if self.preset is not None and self.vocabulary is not None:
            raise ValueError(
                "`vocabulary` must be None with a `preset`, whose tokenizer has its own. "
                f"Received: preset={self.preset!r} and {len(self.vocabulary)} tokens. Give token ids."
            )

    def stages(self) -> dict[str, Callable]:
        backbone = self._backbone()
        stages: dict[str, Callable] = {"embedding": Stage(partial(self._embedding, backbone=backbone), front=True)}
        for i in range(self.num_layers if self.preset is None else backbone.num_layers):
            layer = backbone.transformer_layers[0 if self.preset is None else i]
            stages[f"layer{i + 1}"] = Stage(partial(self._layer, layer=layer))
        if self.pooled:
            stages["pooler"] = Stage(partial(self._pooler, dense=backbone.pooled_dense))
        return stages

    def _backbone(self):
        """Returns the model whose layers are copied: the preset, or the narrowest model with all settings."""
        backbone = need("keras_hub", "text", 'The tower "bert"').models.BertBackbone
        if self.preset is not None:
            return backbone.from_preset(self.preset)
        return backbone(
            vocabulary_size=self._num_ids(),
            num_layers=1,
            num_heads=self.num_heads,
            hidden_dim=self.num_heads,
            intermediate_dim=self.units,
            dropout=self.dropout,
            max_sequence_length=self.max_length,
        )

    def _embedding(self, x, name, backbone):
        ids = self._tokens(x, name)
        width = backbone.hidden_dim if self.preset else self.embedding_dim
        x = self._applied(ids, f"{name}_table", backbone.token_embedding, output_dim=width, mask_zero=True)
        # Ids of 0 give a mask that is False everywhere. `Add` joins the masks of its inputs by a logical or.
        first = self._applied(
            ops.zeros_like(ids), f"{name}_segment", backbone.segment_embedding, output_dim=width, mask_zero=True
        )
        x = layers.Add(name=f"{name}_add")([x, first])
        places = backbone.position_embedding
        initializer = keras.initializers.serialize(places.initializer)  # so every copy has its own seed
        add = AddPositions("learned", places.sequence_length, initializer, name=f"{name}_positions")
        x = add(x)
        if self.preset:
            add.set_weights(places.get_weights())
        x = self._applied(x, f"{name}_norm", backbone.embeddings_layer_norm)
        return self._applied(x, f"{name}_dropout", backbone.embeddings_dropout)

    def _layer(self, x, name, layer):
        # The attention removes the mask of its input, which other layers may also read.
        return self._applied(CopyWithMask(name=f"{name}_copy")(x), f"{name}_encoder", layer)

    def _pooler(self, x, name, dense):
        changes = {} if self.preset else {"units": self.embedding_dim}
        return self._applied(x[:, 0], f"{name}_dense", dense, **changes)

    def _applied(self, x, name, layer, **changes):
        """Returns the output of a copy of a layer, with the weights of the preset, if there is one."""
        copy = type(layer).from_config({**layer.get_config(), **changes, "name": name})
        x = copy(x)
        if self.preset:
            copy.set_weights(layer.get_weights())
        return x
