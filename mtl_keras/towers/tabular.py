"""A tower for the columns of a table."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import layers, ops

from mtl_keras._arguments import count, counts, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._activation import check_activation
from mtl_keras.towers._base import Tower
from mtl_keras.towers._dense import dense_stages
from mtl_keras.towers._inputs import as_vector
from mtl_keras.towers._regularization import settle_regularization
from mtl_keras.towers._stage import Stage
from mtl_keras.towers._table_columns import check_categories, check_statistics, describe, lookup


@public
@dataclasses.dataclass(frozen=True)
class Tabular(Tower):
    """Numeric and categorical columns, joined into one vector: `"columns"`; then dense layers: `"dense1"`, ...

    The inputs are `{column: tensor}`, each `[B]` or `[B, 1]`. A category is looked up in its vocabulary inside the
    model, so an exported model takes raw rows. All values that are not in the vocabulary share one extra embedding. A
    number becomes (x - mean) / √variance; a missing number, NaN, becomes 0. `from_data` reads all this from a table,
    and `inputs` makes the Keras inputs. All tasks share one copy of the stage `"columns"`, unless each task has its own
    tower, as with `single_task`. Each copy has its own embeddings.

    Args:
        numeric: Names of the numeric columns; by default all inputs that `categories` does not name.
        categories: `{column: its values}`, all strings or all integers (booleans count as 0 and 1).
        means: `{column: number}`; 0 for a numeric column that is not named.
        variances: `{column: number}`; 1 for a numeric column that is not named.
        embedding_dim: Width of the embedding of each category.
        units: Width of each dense layer; `()` for none.
        activation: Name of a Keras activation, or a function.
        dropout: Share of the values dropped after each dense layer, in [0, 1).
        batch_norm: Whether to normalise before each activation; the dense layers then have no bias.
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            embeddings and the heads have no penalty.

    Raises:
        ValueError: If an argument is out of range or names no column; when a model is built, if its inputs are
            not the columns.

    Example:

    ```python
    table = {"age": np.array([38, 44, 2]), "job": np.array(["clerk", "cook", "none"])}
    tower = mtl.towers.Tabular.from_data(table, units=(8,))
    tower.categories, tower.means  # {'job': ('clerk', 'cook', 'none')}, {'age': 28.0}
    model = mtl.build_model(tower.inputs(), [mtl.Task("rich", mtl.heads.Binary())], tower=tower)
    model.compile("adam")
    model.fit(mtl.data.from_arrays(table, {"rich": [0, 1, 0]}), verbose=0)
    ```

    Reference: C. Guo, F. Berkhahn, "Entity embeddings of categorical variables", 2016.
    """

    numeric: tuple[str, ...] | None = None
    # Dicts take no part in the hash, so that the recipe has one.
    categories: dict[str, tuple] = dataclasses.field(default_factory=dict, hash=False)
    means: dict[str, float] = dataclasses.field(default_factory=dict, hash=False)
    variances: dict[str, float] = dataclasses.field(default_factory=dict, hash=False)
    embedding_dim: int = 4
    units: tuple[int, ...] = (128, 64)
    activation: str | Callable = "relu"
    dropout: float = 0.0
    batch_norm: bool = False
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        # Copied, because a frozen recipe must not change when the caller changes the dict.
        settle(self, categories=check_categories(self.categories))
        settle(
            self,
            means=check_statistics("means", self.means, self.numeric, self.categories),
            variances=check_statistics("variances", self.variances, self.numeric, self.categories, above=0),
            embedding_dim=count("embedding_dim", self.embedding_dim),
            units=counts("units", self.units, empty=True),
            activation=check_activation(self.activation),
            batch_norm=flag("batch_norm", self.batch_norm),
        )
        settle_regularization(self)
        if self.numeric is not None:
            known = {*self.numeric, *self.categories}
            if isinstance(self.numeric, str) or len(known) < len(self.numeric) + len(self.categories) or not known:
                raise ValueError(
                    "`numeric` must be a tuple of distinct names that are not in `categories`, and one of the two must "
                    f"name a column. Received: numeric={self.numeric!r}, categories of {list(self.categories)}."
                )
            settle(self, numeric=tuple(self.numeric))

    @classmethod
    def from_data(
        cls, x: Any, categorical: Iterable[str] = (), min_count: int = 1, verbose: int = 1, **arguments: Any
    ) -> "Tabular":
        """Returns the recipe for a table: its columns, vocabularies, means and variances.

        Columns of strings and of booleans are categories; those of integers and floats are numbers.

        Args:
            x: The training rows: a pandas DataFrame, `{column: array [N]}`, or a dataset of batches with such inputs,
                as from `data.from_parquet`, which is read once.
            categorical: Names of integer columns that are categories: codes rather than amounts.
            min_count: Values found less often than this count as unknown values. With 1, no training row has an
                unknown value, so the embedding of unknown values is not trained.
            verbose: 1 for a progress bar over a dataset, 0 for none.
            **arguments: The other arguments of the class.

        Raises:
            ValueError: If a column holds neither numbers, strings nor booleans, or `categorical` names an unknown
                column or one of floats.
        """
        return cls(**describe(x, categorical, count("min_count", min_count, 0), verbose), **arguments)

    def inputs(self) -> dict[str, keras.KerasTensor]:
        """Returns the Keras inputs, `{column: keras.Input}`, of shape [B]; for `build_model(inputs=...)`."""
        if self.numeric is None:
            raise ValueError("`inputs` needs the names of the columns. Received: numeric=None. List them in `numeric`.")
        kinds = dict.fromkeys(self.numeric, "float32")
        for column, values in self.categories.items():
            kinds[column] = "string" if isinstance(values[0], str) else "int64"
        return {column: keras.Input((), name=column, dtype=dtype) for column, dtype in kinds.items()}

    def stages(self) -> dict[str, Callable]:
        dense = dense_stages(self.units, self.activation, self.dropout, self.batch_norm, self.l1, self.l2)
        return {"columns": Stage(self._columns, front=True), **dense}

    def _columns(self, x, name):
        x = self._checked(x)
        parts = [self._embedded(x[column], column, name) for column in self.categories]
        numeric = [column for column in x if column not in self.categories]
        if numeric:
            parts.insert(0, self._normalized({column: x[column] for column in numeric}, name))
        return parts[0] if len(parts) == 1 else layers.Concatenate(name=f"{name}_concatenate")(parts)

    def _checked(self, x):
        """Returns the inputs by column, or raises a ValueError if they are not the columns."""
        if not isinstance(x, dict):
            x = {x.name: x}
        expected = {*self.categories, *(x if self.numeric is None else self.numeric)}
        if set(x) != expected:
            raise ValueError(
                f"`inputs` must be the columns {sorted(expected)} of the tower `Tabular`, by name. "
                f"Received: {sorted(x)}. Use `inputs=tower.inputs()`."
            )
        strings = [column for column in x if x[column].dtype == "string" and column not in self.categories]
        if strings:
            raise ValueError(
                f"`categories` must have the values of the columns of strings. Received: none of {strings}. "
                "Use `Tabular.from_data(table)`, which finds them."
            )
        return x

    def _normalized(self, columns, name):
        joined = as_vector(columns, f"{name}_numeric")
        entries = [column for column, x in columns.items() for _ in range(math.prod(x.shape[1:]))]
        mean = [self.means.get(column, 0.0) for column in entries]
        variance = [self.variances.get(column, 1.0) for column in entries]
        x = layers.Normalization(mean=mean, variance=variance, name=f"{name}_normalization")(joined)
        return ops.where(ops.isnan(x), ops.zeros_like(x), x)

    def _embedded(self, x, column, name):
        table = lookup(self.categories[column], f"{name}_lookup_{column}")
        x = table(x)
        x = layers.Embedding(table.vocabulary_size(), self.embedding_dim, name=f"{name}_embedding_{column}")(x)
        return as_vector(x, f"{name}_{column}")
