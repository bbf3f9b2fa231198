"""Common code of the examples: their arguments, the small data of `--smoke`, and the table at the end."""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import mtl_keras as mtl


def parser(description, epochs):
    """Returns a parser with the arguments that all examples have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, default=epochs, help=f"passes over the data, {epochs} by default")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the order of the data")
    parser.add_argument("--plot", metavar="FILE", help="where to save a picture of the training curves")
    parser.add_argument("--smoke", action="store_true", help="one epoch on little data without network, for tests")
    return parser


def epochs(arguments):
    """Returns the number of epochs to train for."""
    return 1 if arguments.smoke else arguments.epochs


def smoke_set(shape, tasks, batch_size=64, keep=None, **options):
    """Returns 256 of scikit-learn's bundled digits as images of a shape, in the form of `mtl.data.tfds`.

    Args:
        shape: Shape of the images, at least 24x24 and with channels.
        tasks: `{task: function of (image, label)}`.
        batch_size, keep, **options: As in `mtl.data.tfds`.
    """
    digits = load_digits()
    images = np.kron(digits.images[:256] * 15, np.ones((3, 3)))  # 24x24
    margins = [(side - 24) // 2 for side in shape[:2]]
    images = np.pad(images, [(0, 0), *((margin, margin) for margin in margins)])[..., None]
    images = np.repeat(images, shape[2], axis=3).astype("uint8")
    pairs = [pair for pair in zip(images, digits.target, strict=False) if keep is None or keep(*pair)]
    labels = {task: np.array([function(image, label) for image, label in pairs]) for task, function in tasks.items()}
    images = np.stack([image for image, _ in pairs])
    return mtl.data.from_arrays(images, labels, batch_size, **options)


def means(study, candidate):
    """Returns `{task_metric: mean over the seeds}` of a candidate on the test data, in the form of `print_table`."""
    figures = {
        f"{task}_{name}": study.figures(candidate, task, name) for task, of in study.metrics.items() for name in of
    }
    return {name: float(np.mean(list(of.values()))) for name, of in figures.items() if of}


def costs(study, candidate):
    """Returns the number of parameters of a candidate and its mean seconds per epoch, in the form of `print_table`."""
    runs = study.runs(candidate).values()
    seconds = np.mean([run["seconds_per_epoch"] for run in runs])
    return {"model_parameters": sum(next(iter(runs))["parameters"]), "model_s/epoch": seconds}


def plot(study, file):
    """Saves a picture of the training curves of the best candidate, if a file is given."""
    if file:
        mtl.plots.history(study.runs(study.best)[study.seeds[0]]["history"], file)


def print_table(results, tasks):
    """Prints a table with one row per metric of each task, and one column per model.

    Args:
        results: `{name of the model: result of evaluate(..., return_dict=True)}`.
        tasks: Names of the tasks, in order.
    """
    width = max(len(task) for task in tasks)
    print(f"\n{'task':{width}}  {'metric':8}", *(f"{name:>14}" for name in results))
    for task in tasks:
        for name in next(iter(results.values())):
            if name.startswith(f"{task}_") and name != f"{task}_loss":
                metric = name.removeprefix(f"{task}_")
                print(f"{task:{width}}  {metric:8}", *(_cell(result[name]) for result in results.values()))


def _cell(number):
    return f"{number:14.4f}" if abs(number) < 1000 else f"{number:14.0f}"
