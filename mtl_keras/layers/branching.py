"""A trained choice among branches."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class Branching(keras.layers.Layer):
    """Chooses one of several features, by trained logits: a sample in training, the most probable one otherwise.

    In training the output is Σ_k d_k · x_k with d = softmax((logits + g) / τ), g Gumbel noise, drawn once per call. The
    temperature falls from `temperature` to `min_temperature`, by the same factor each step, over `anneal_steps` steps.
    Otherwise the output is the x_k with the largest logit.

    Args:
        temperature: τ at the start, above 0.
        min_temperature: τ from `anneal_steps` steps on, above 0.
        anneal_steps: Number of training steps, at least 1.
        seed: Seed of the noise. Its state is saved with the layer.

    Input: list of K tensors of the same shape. Output: a tensor of this shape.

    Raises:
        ValueError: If a number is out of range.

    Example:

    ```python
    layer = mtl.layers.Branching()
    layer([np.ones((1, 3)), 5 * np.ones((1, 3))], training=True)  # between 1 and 5, three times the same
    ```

    Reference: P. Guo, C.-Y. Lee, D. Ulbricht, "Learning to Branch for Multi-Task Learning", ICML 2020.
    """

    def __init__(
        self,
        temperature: float = 5.0,
        min_temperature: float = 0.1,
        anneal_steps: int = 10_000,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.temperature = number("temperature", temperature, above=0)
        self.min_temperature = number("min_temperature", min_temperature, above=0)
        self.anneal_steps = count("anneal_steps", anneal_steps)
        self.seed = None if seed is None else count("seed", seed, 0)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def build(self, input_shape: list[Shape]) -> None:
        # Always in float32: half precision can count to 2048 only.
        self.logits = self.add_weight(
            name="logits", shape=(len(input_shape),), initializer="zeros", dtype="float32", autocast=False
        )
        self.step = self.add_weight(
            name="step",
            shape=(),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs: list[Tensor], training: bool = False) -> Tensor:
        if training:
            weights = self._sample()
            self.step.assign(ops.minimum(self.step + 1.0, float(self.anneal_steps)))
        else:
            weights = ops.one_hot(ops.argmax(self.logits), len(inputs))
        return sum(ops.cast(weights[k], x.dtype) * x for k, x in enumerate(inputs))

    def _sample(self):
        """Returns a relaxed one-hot sample. [K]"""
        uniform = keras.random.uniform(self.logits.shape, minval=1e-6, maxval=1.0 - 1e-6, seed=self.seed_generator)
        ratio = self.min_temperature / self.temperature
        temperature = self.temperature * ratio ** (ops.convert_to_tensor(self.step) / self.anneal_steps)
        return ops.softmax((self.logits - ops.log(-ops.log(uniform))) / temperature)

    def chosen(self) -> int:
        """Returns the index of the features that are passed on outside training."""
        return int(ops.argmax(self.logits))

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows: the probability of each branch."""
        probability = ops.softmax(self.logits)
        return {"branch": {self.name: {f"branch{k}": p for k, p in enumerate(probability, start=1)}}}

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        store["seed_generator"] = self.seed_generator.state  # Keras does not save the state of a layer's generator

    def load_own_variables(self, store: Any) -> None:
        store = {key: store[key] for key in list(store.keys())}  # the store of a file is not a dict
        self.seed_generator.state.assign(store.pop("seed_generator"))
        super().load_own_variables(store)

    def compute_mask(self, inputs: list[Tensor], previous_mask: list[Tensor | None] | None) -> Tensor | None:
        return previous_mask[0] if previous_mask else None

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        annealing = {"temperature": self.temperature, "min_temperature": self.min_temperature}
        return {**super().get_config(), **annealing, "anneal_steps": self.anneal_steps, "seed": self.seed}
