"""Several models as one, on CIFAR-10 or ATIS: what do averages, stacks, bags and soups gain and cost?

    python examples/ensembles.py --seeds 3
    python examples/ensembles.py --atis FOLDER --epochs 10 --seeds 3

On CIFAR-10, the tasks are the four of cifar10_hard_sharing.py, with a narrow tower of convolutions and 10,000 training
images. With `--atis` (a folder in the form of atis_intent_slots.py), they are intents and slots, with a narrow
transformer. The table has the last metric of each task on the test data (an accuracy, an area under the ROC curve or a
span F1) as mean and standard deviation over the seeds; the number of parameters; and the milliseconds per row. Weights
and heads are fitted on validation data that no member was trained on.
"""

import functools
import statistics
import time

import _common
import atis_intent_slots as atis
import cifar10_hard_sharing as cifar10
import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

MEMBERS, LENGTH = 5, 30


def images(arguments):
    """Returns a function that builds a model from names of tasks and a learning rate; and train, valid and test."""
    arguments.classes = 10
    parts = [_rows(cifar10.load(split, arguments)) for split in ("train[:10000]", "train[45000:]", "test")]

    def build(names=None, rate=2e-3):
        return _compiled(
            [task for task in cifar10.tasks(10) if names is None or task.name in names],
            keras.Input((32, 32, 3), dtype="uint8", name="image"),
            mtl.towers.Conv(filters=(8, 16, 32)),
            rate,
            keras.layers.Normalization(mean=cifar10.MEAN, variance=[d**2 for d in cifar10.DEVIATION]),
        )

    return build, parts


def sentences(arguments):
    """Returns the same for ATIS, with sentences cut to 30 words."""
    names = atis.PARTS
    parts = [atis.made_up(60, i) if arguments.smoke else atis.read(arguments.atis / names[i]) for i in range(3)]
    tags = ["O", *sorted({tag for _, of, _ in parts for sentence in of for tag in sentence} - {"O"})]
    intents = sorted({intent for *_, of in parts for intent in of})
    parts = [atis.arrays(part, tags, intents) for part in parts]
    options = {"embedding_dim": 64, "num_layers": 1, "num_heads": 2, "units": 128, "dropout": 0.2, "length": LENGTH}
    tower = mtl.towers.Transformer.from_data(parts[0][0], min_count=2, standardize=None, **options)
    tasks = [
        mtl.Task("intent", mtl.heads.Multiclass(len(intents))),
        mtl.Task("slots", mtl.heads.Tagging(len(tags)), metrics=[mtl.metrics.SpanF1(tags)]),
    ]

    def fixed(x, y):
        slots = np.pad(y["slots"], ((0, 0), (0, LENGTH)), constant_values=-1)[:, :LENGTH]
        return x, y | {"slots": slots}

    def build(names=None, rate=2e-3):
        return _compiled([t for t in tasks if names is None or t.name in names], tower.inputs(), tower, rate)

    return build, [fixed(*part) for part in parts]


def _rows(batches):
    x, y, *_ = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(x), {task: np.concatenate([part[task] for part in y]) for task in y[0]}


def _compiled(tasks, inputs, tower, rate, preprocess=None):
    model = mtl.build_model(inputs, tasks, tower=tower, preprocess=preprocess)
    model.compile(keras.optimizers.Adam(rate))
    return model


def train(build, data, epochs, seed, weights=None):
    """Returns a model trained on its tasks, starting from weights if they are given."""
    keras.utils.set_random_seed(seed)
    model = build()
    if weights is not None:
        model.set_weights(weights)
    x, y = data[0], {task: data[1][task] for task in model.task_names}
    model.fit(mtl.data.from_arrays(x, y, 64, shuffle=True, seed=seed), epochs=epochs, verbose=0)
    return model


def candidates(build, data, valid, epochs, seed):
    """Yields the name of each ensemble and its model."""
    members = [train(build, data, epochs, seed + i) for i in range(MEMBERS)]
    yield "single", members[0]
    yield f"average_of_{MEMBERS}", mtl.ensembles.average(members)
    yield "fitted_weights", mtl.ensembles.average(members, "validation", valid)
    yield "vote", mtl.ensembles.vote(members)
    yield "stack", mtl.ensembles.stack(members, valid)
    start, later = members[0].get_weights(), functools.partial(build, rate=5e-4)
    tuned = [train(later, data, max(1, epochs // 5), seed + 10 + i, start) for i in range(MEMBERS)]
    yield "tuned_single", tuned[0]
    yield "soup", mtl.ensembles.average_weights(tuned, mtl.data.from_arrays(*data, 256))
    yield "bag", mtl.ensembles.bag(build, data, MEMBERS, epochs=epochs, batch_size=64, seed=seed)[0]
    keras.utils.set_random_seed(seed)
    cycle = max(1, epochs // MEMBERS)
    yield "snapshot", mtl.ensembles.snapshot(build(), data, cycles=MEMBERS, epochs=cycle, batch_size=64)
    alone = {task: train(functools.partial(build, [task]), data, epochs, seed) for task in data[1]}
    yield "specialists", mtl.ensembles.specialists(alone)


def milliseconds(model, row):
    """Returns the median time of a prediction of one row."""
    call, times = tf.function(lambda x: model(x, training=False)), []
    for _ in range(60):
        start = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[10:])


def main():
    parser = _common.parser(__doc__, epochs=8)
    parser.add_argument("--atis", metavar="FOLDER", type=atis.pathlib.Path, help="ATIS instead of CIFAR-10")
    parser.add_argument("--seeds", type=int, default=1, help="how often everything is trained, 1 by default")
    arguments = parser.parse_args()
    build, (data, valid, test) = sentences(arguments) if arguments.atis else images(arguments)
    found = {}
    for seed in range(arguments.seeds):
        first = arguments.seed + 100 * seed
        for name, model in candidates(build, data, valid, _common.epochs(arguments), first):
            if arguments.plot and name == "single":
                mtl.plots.history(model.history, arguments.plot)
            figures = model.evaluate(mtl.data.from_arrays(*test, 256), verbose=0, return_dict=True)
            names = {task: f"{task}_{o.task_metrics[-1].name}" for task, o in model.objectives.items()}
            costs = model.count_params(), milliseconds(model, tf.constant(test[0][:1]))
            found.setdefault(name, []).append([*(figures[names[task]] for task in data[1]), *costs])
            print(f"seed {first} {name}", " ".join(f"{number:.4f}" for number in found[name][-1]), flush=True)
    print("\nmethod              seeds ", *(f"{task:>9}     ±  " for task in data[1]), "parameters       ms")
    for name, rows in found.items():
        cells = [f"{np.mean(of):9.4f} {np.std(of):.4f}" for of in list(zip(*rows, strict=True))[:-2]]
        print(f"{name:20}{len(rows):6}", *cells, f"{rows[0][-2]:11}{np.median([row[-1] for row in rows]):9.2f}")


if __name__ == "__main__":
    main()
