"""Which tasks belong together: measures between all pairs of tasks, and groups of tasks."""

from mtl_keras.relatedness.affinity import affinity
from mtl_keras.relatedness.gradients import gradients
from mtl_keras.relatedness.group_tasks import group_tasks
from mtl_keras.relatedness.labels import labels
from mtl_keras.relatedness.lasso import lasso
from mtl_keras.relatedness.matrix import Matrix
from mtl_keras.relatedness.transfer import transfer

__all__ = ["Matrix", "affinity", "gradients", "group_tasks", "labels", "lasso", "transfer"]
