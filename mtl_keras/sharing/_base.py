"""What a sharing scheme is: how the tasks' features come from one tower."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sharing:
    """Applies a tower to the inputs, once or more, and says which features each task gets.

    Abstract. A scheme is a recipe: it is called once, while the model is built, and leaves Keras layers.
    """

    def __call__(self, inputs, tower, tasks):
        """Applies the scheme.

        Args:
            inputs: Keras tensor, or a dict of them by name.
            tower: A `mtl_keras.towers.Tower`.
            tasks: List of `Task`s.

        Returns:
            `{task name: Keras tensor}`, the features of each task.
        """
        raise NotImplementedError


def apply_stages(stages, x, prefix):
    """Runs x through a tower's stages, with layers of their own named after the prefix."""
    for stage, apply in stages.items():
        x = apply(x, f"{prefix}_{stage}")
    return x


def tower_per_task(tower, inputs, tasks):
    """Returns each task's features from a tower of its own, with layers named after the task."""
    stages = tower.stages()
    return {task.name: apply_stages(stages, inputs, task.name) for task in tasks}
