"""How useful one task's tower is for another task, measured by a linear head on the frozen tower."""

import copy
from typing import Any

import keras
import numpy as np

from mtl_keras.engine import find_tensor
from mtl_keras.models import MultiTaskModel
from mtl_keras.study._apart import compiled_like
from mtl_keras.study._data import Data
from mtl_keras.study._epochs import Clock
from mtl_keras.study._run import Rule, fit


def transferred(parts: dict[str, Any], rule: Rule, seed: int) -> dict[str, dict[str, float]]:
    """Returns `{task of the tower: {task of the head: figure on the test data}}`, without each task's own tower.

    The features are computed once and averaged over their positions. The head is that of the task, without hidden
    layers. It is trained with the task's loss and optimizer, and keeps its best epoch. Tasks with an answer at every
    position of a sequence or map are left out, and so are heads without a finite figure.

    Args:
        parts: `{task: trained model of this task alone}`.
        rule: How to train.
        seed: Seed of the weights and of the order of the data.
    """
    known = {name: part.tasks[0] for name, part in parts.items() if part.tasks}
    plain = [name for name, task in known.items() if not task.head.keeps_positions]
    found: dict[str, dict[str, float]] = {}
    for tower in known:
        others = [name for name in plain if name != tower]
        found[tower] = {}
        if not others:
            continue
        data = _features(parts[tower], known[tower].head, (rule.train, rule.valid, rule.test), seed)
        for name in others:
            keras.utils.set_random_seed(seed)
            model = _linear(parts[name], known[name], data[0][0].shape[1:])
            figure = _figure(model, name, data, rule, seed)
            if np.isfinite(figure):
                found[tower][name] = figure
    return found


def _features(part, head, datas, seed):
    """Returns `(features, labels, weights)` of train, valid and test."""
    features = find_tensor(part.output[part.task_names[0]], part.feature_layers[part.task_names[0]])
    reader = keras.Model(part.input, head.pool(features, "transferred"))
    found = []
    for data in datas:
        batches = [(reader.predict_on_batch(x), *labels) for x, *labels in data.batches(seed)]
        found.append(tuple(_joined([batch[i] for batch in batches]) for i in range(len(batches[0]))))
    return found


def _joined(parts):
    if isinstance(parts[0], dict):
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
    return np.concatenate([np.asarray(part) for part in parts])


def _linear(like, task, shape):
    """Returns a compiled model that is only a linear head."""
    head = copy.copy(task.head)
    head.hidden = ()
    task = copy.copy(task)
    task.head = head
    inputs = keras.Input(shape, name="features")
    model = MultiTaskModel(inputs, {task.name: head(inputs, task.name)}, tasks=[task])
    return compiled_like(model, like, [task.name])


def _figure(model, task, data, rule, seed):
    """Returns the first metric, on the test data, of a head trained on features."""
    train, valid, test = (
        Data(name, (x, {task: y[task]}, *({task: w[task] if isinstance(w, dict) else w} for w in weights)), size)
        for (x, y, *weights), (name, size) in zip(data, _sizes(rule), strict=True)
    )
    train.shuffle = True
    try:
        fit(model, task, rule, (train.batches(seed), valid.batches(seed)), [], Clock(None), None)
    except FloatingPointError:
        return float("nan")
    figures = model.evaluate(test.batches(seed), verbose=0, return_dict=True)
    objective = model.objectives[task]
    first = next(iter((*objective.task_metrics, *objective.weighted_metrics)), None)
    return float(figures[f"{task}_{first.name if first else 'loss'}"])


def _sizes(rule):
    return [(data.name, data.batch_size) for data in (rule.train, rule.valid, rule.test)]
