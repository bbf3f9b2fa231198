"""Base class of towers: a recipe of named stages."""

import abc
from collections.abc import Callable


class Tower(abc.ABC):
    """A recipe of the layers that turn inputs into features.

    Abstract. A subclass is a frozen dataclass whose fields are the hyper-parameters. It is called while a
    model is built and adds plain Keras layers to the graph. The recipe itself is not saved.
    """

    @abc.abstractmethod
    def stages(self) -> dict[str, Callable]:
        """Returns the stages in order, as `{stage name: function}`.

        A function `stage(x, name)` applies new layers, whose names begin with `name`, and returns a tensor. x is
        the output of the stage before; for the first stage, x is the inputs, a tensor or `{name: tensor}`. A call
        with another name makes a new, independent set of weights. A `Stage` is such a function with additional
        information, as most stages of the package are.
        """
