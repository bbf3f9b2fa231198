"""A stage of a tower, and how it is copied and shared."""

import dataclasses
from collections.abc import Callable

from mtl_keras._arguments import flag, settle
from mtl_keras._types import Tensor, Tensors


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage of a tower, with information on how to copy and share it.

    It is called like a function, `stage(x, name)`. A custom tower may use stages or plain functions. A plain function
    is copied by calling it again. The gates of a sharing scheme do not read integers before a plain function, because
    they may be ids.

    Args:
        apply: Function `(x, name)` that applies new layers, whose names begin with `name`.
        stacked: Function `(x, name, num, common)` that applies `num` copies as one batched operation and returns
            `[B, num, units]`. With `common`, all copies read the same x, which may be anything that `apply` takes;
            else x is `[B, num, n]`. None: copies are made one by one.
        front: Whether this is a first stage that turns ids, strings or the like into numbers. Schemes that share then
            use one copy of it for all tasks. To share another stage, use `split_after`.

    Example:

    ```python
    class Bags(mtl.towers.Tower):
        def stages(self):
            return {"ids": mtl.towers.Stage(self.embed, front=True), **mtl.towers.MLP((8,)).stages()}

        def embed(self, x, name):
            return keras.layers.Embedding(50, 4, name=f"{name}_embedding")(x)

    tasks = [mtl.Task("up", mtl.heads.Binary()), mtl.Task("size", mtl.heads.Regression())]
    model = mtl.build_model(keras.Input((5,), dtype="int32"), tasks, tower=Bags(), sharing="mmoe")
    model.get_layer("shared_ids_embedding").output.shape  # (None, 5, 4)
    ```
    """

    apply: Callable
    stacked: Callable | None = None
    front: bool = False

    def __post_init__(self) -> None:
        settle(self, front=flag("front", self.front))

    def __call__(self, x: Tensors, name: str) -> Tensor:
        return self.apply(x, name)
