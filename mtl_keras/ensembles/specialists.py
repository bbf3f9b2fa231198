"""The best model of each task, as one model."""

from mtl_keras._arguments import error
from mtl_keras.ensembles._assemble import assembled
from mtl_keras.ensembles._graph import JointGraph
from mtl_keras.ensembles._members import check_inputs, check_member, task_of
from mtl_keras.models import MultiTaskModel


def specialists(models: dict[str, MultiTaskModel]) -> MultiTaskModel:
    """Returns a model that predicts each task with a separate model, from common inputs.

    For tasks that sharing does not help: train one model per task, and serve them as one. The outputs are those of the
    models, bit for bit, and a signature of an export computes only its own task. If a model has several tasks, the
    parts that only the other tasks need are left out. The layers are copied and frozen. Parts that two models have in
    common, such as a frozen backbone, are computed once.

    Cost: the sum of the parts that the tasks need.

    Args:
        models: `{task: MultiTaskModel that has the task}`, with the same inputs. Its order is that of the outputs.

    Returns:
        A `MultiTaskModel`, compiled with the losses and metrics of the models.

    Raises:
        ValueError: If a model lacks its task, or the inputs of models differ; the error says which.

    Example:

    ```python
    digit = mtl.build_model((8, 8), [mtl.Task("digit", mtl.heads.Multiclass(10))], tower="lenet")
    odd = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary())], tower="mlp")
    model = mtl.ensembles.specialists({"digit": digit, "odd": odd})
    sorted(model.predict(np.zeros((1, 8, 8)), verbose=0))  # ['digit', 'odd']
    ```
    """
    if not isinstance(models, dict) or not models:
        raise ValueError(error("models", "a dict {task: MultiTaskModel}", models))
    names = {task: f"models[{task!r}]" for task in models}
    for task, model in models.items():
        check_member(model, names[task])
        if task not in model.output:
            raise ValueError(
                f"`{names[task]}` must have the task {task!r}. Received: a model with the tasks {model.task_names}."
            )
    first, *_ = models
    for task, model in models.items():
        check_inputs(models[first], model, names[first], names[task])
    graph, outputs = JointGraph(models[first]), {}
    for task, model in models.items():
        outputs |= graph.add(model, {task: model.output[task]}, task)
    tasks = [task_of(model, task) for task, model in models.items()]
    return assembled(graph.inputs, outputs, tasks, models)
