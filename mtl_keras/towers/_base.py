"""What a tower is: a recipe of named stages."""

import abc
from collections.abc import Callable


class Tower(abc.ABC):
    """A recipe of the layers that turn inputs into features.

    Abstract. A subclass is a frozen dataclass whose fields are the hyper-parameters. It is called while a
    model is built, and leaves plain Keras layers in the graph: nothing of the recipe is saved.
    """

    @abc.abstractmethod
    def stages(self) -> dict[str, Callable]:
        """Returns the stages in order, as `{stage name: function}`.

        A function `stage(x, name)` applies fresh layers, whose names begin with `name`, to what the stage
        before it returned (the first one: to the inputs, a tensor or `{name: tensor}`), and returns a
        tensor. Called again with another name it makes another, independent set of weights. A `Stage` is such
        a function that says more of itself, as the stages of the package do.
        """
