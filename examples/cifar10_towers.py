"""CIFAR-10 with the four tasks of cifar10_hard_sharing.py on narrow AlexNet, VGG, GoogLeNet and ResNet, side by side.

    python examples/cifar10_towers.py --towers vgg resnet

All tasks share the whole tower, and each tower is trained in the same way. The table has, on the test images, the
metrics of the tasks, and of each model the number of parameters and the milliseconds of a training step, the median of
the last epoch. The first run downloads CIFAR-10 through tensorflow-datasets.
"""

import time

import _common
import cifar10_hard_sharing as cifar10
import keras
import numpy as np

import mtl_keras as mtl

TOWERS = {
    "alexnet": mtl.towers.AlexNet(width=16, units=(128, 128), small_stem=True, batch_norm=True, dropout=0.2),
    "vgg": mtl.towers.VGG(depth=11, width=16, units=(128,), batch_norm=True, dropout=0.2),
    "googlenet": mtl.towers.GoogLeNet(width=24, batch_norm=True, dropout=0.2),
    "resnet": mtl.towers.ResNet(depth=8, width=16),
}
SMOKE = ["alexnet"]


class StepTimes(keras.callbacks.Callback):
    """Keeps the seconds of each step of the last epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def train(name, data, valid, arguments):
    """Returns the trained model, its history, and the milliseconds of a step."""
    keras.utils.set_random_seed(arguments.seed)
    model = mtl.build_model(
        inputs=keras.Input((32, 32, 3), dtype="uint8", name="image"),
        tasks=cifar10.tasks(arguments.classes),
        tower=TOWERS[name],
        preprocess=keras.layers.Normalization(mean=cifar10.MEAN, variance=[d**2 for d in cifar10.DEVIATION]),
        name=name,
    )
    epochs, times = _common.epochs(arguments), StepTimes()
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(data))))
    history = model.fit(data, validation_data=valid, epochs=epochs, callbacks=[times], verbose=2)
    return model, history, 1e3 * np.median(times.seconds)


def main():
    parser = _common.parser(__doc__, epochs=2)
    parser.add_argument("--towers", nargs="+", choices=TOWERS, help="all by default")
    arguments = parser.parse_args()
    arguments.classes = 10
    data = cifar10.load("train[:45000]", arguments, shuffle=True, augment=cifar10.augment)
    valid, test = cifar10.load("train[45000:]", arguments), cifar10.load("test", arguments)
    results = {}
    for name in arguments.towers or (SMOKE if arguments.smoke else TOWERS):
        model, history, milliseconds = train(name, data, valid, arguments)
        result = model.evaluate(test, return_dict=True, verbose=0)
        results[name] = {**result, "model_parameters": model.count_params(), "model_step_ms": milliseconds}
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    _common.print_table(results, [*model.task_names, "model"])


if __name__ == "__main__":
    main()
