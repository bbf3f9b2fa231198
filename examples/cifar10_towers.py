"""CIFAR-10 with the four tasks of cifar10_hard_sharing.py on narrow AlexNet, VGG, GoogLeNet and ResNet, side by side.

    python examples/cifar10_towers.py --towers vgg resnet

All tasks share the whole tower, and all towers are trained in the same way. The table has the metrics of the tasks on
the test images, and the number of parameters and the seconds per epoch of each model, averaged over the seeds. With two
or more seeds, it also prints a verdict on each tower against the first. The first run downloads CIFAR-10 through
tensorflow-datasets.
"""

import functools

import _common
import cifar10_hard_sharing as cifar10
import keras

import mtl_keras as mtl

TOWERS = {
    "alexnet": mtl.towers.AlexNet(width=16, units=(128, 128), small_stem=True, batch_norm=True, dropout=0.2),
    "vgg": mtl.towers.VGG(depth=11, width=16, units=(128,), batch_norm=True, dropout=0.2),
    "googlenet": mtl.towers.GoogLeNet(width=24, batch_norm=True, dropout=0.2),
    "resnet": mtl.towers.ResNet(depth=8, width=16),
}
SMOKE = ["alexnet"]


def load_train(arguments, seed):
    return cifar10.load("train[:45000]", arguments, shuffle=True, augment=cifar10.augment, seed=seed)


def build(classes, steps, tower="resnet"):
    """Returns a compiled model whose learning rate falls to 0 in `steps` steps."""
    model = mtl.build_model(
        inputs=keras.Input((32, 32, 3), dtype="uint8", name="image"),
        tasks=cifar10.tasks(classes),
        tower=TOWERS[tower],
        preprocess=keras.layers.Normalization(mean=cifar10.MEAN, variance=[d**2 for d in cifar10.DEVIATION]),
    )
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    return model


def main():
    parser = _common.parser(__doc__, epochs=2)
    parser.add_argument("--towers", nargs="+", choices=TOWERS, help="all by default")
    parser.add_argument("--seeds", type=int, default=1, help="how often each tower is trained, 1 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    arguments = parser.parse_args()
    arguments.classes = 10
    train, epochs = functools.partial(load_train, arguments), _common.epochs(arguments)
    names = arguments.towers or (SMOKE if arguments.smoke else list(TOWERS))
    study = mtl.study.compare(
        functools.partial(build, arguments.classes, epochs * len(train(0))),
        {name: {"tower": name} for name in names},
        train,
        cifar10.load("train[45000:]", arguments),
        cifar10.load("test", arguments),
        baseline=names[0],
        seeds=arguments.seeds,
        epochs=epochs,
        storage=arguments.storage,
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    print(f"\n{study}")
    results = {name: _common.means(study, name) | _common.costs(study, name) for name in names}
    _common.print_table(results, [*study.tasks, "model"])


if __name__ == "__main__":
    main()
