"""CIFAR-10 with one shared ResNet-20 for four tasks: the class, and whether it is a cat, a dog, an animal.

    python examples/cifar10_hard_sharing.py

Images are flipped and shifted at random while they are read, and normalised inside the model, so that its export
takes raw pixels. Three epochs (14 minutes on 2 cores) reach a class accuracy of 0.73 on the test set. The first run
downloads CIFAR-10 through tensorflow-datasets.
"""

import _common
import keras
import tensorflow as tf

import mtl_keras as mtl

CAT, DOG = 3, 5
VEHICLES = [0, 1, 8, 9]  # airplane, automobile, ship, truck
MEAN, DEVIATION = [125.3, 123.0, 113.9], [63.0, 62.1, 66.7]  # of the channels of the training images

LABELS = {
    "class": lambda image, label: label,
    "is_cat": lambda image, label: tf.cast(tf.equal(label, CAT), tf.int32),
    "is_dog": lambda image, label: tf.cast(tf.equal(label, DOG), tf.int32),
    "animal": lambda image, label: tf.cast(tf.reduce_all(tf.not_equal(label, VEHICLES)), tf.int32),
}


def tasks(num_classes):
    """Returns the tasks; the first five classes have no dog."""
    auxiliary = [name for name in LABELS if name != "class" and (name != "is_dog" or num_classes > DOG)]
    binary = [mtl.Task(name, mtl.heads.Binary(), weight=0.2) for name in auxiliary]
    return [mtl.Task("class", mtl.heads.Multiclass(num_classes)), *binary]


def augment(images, seed):
    """Flips and shifts a batch of images at random."""
    return mtl.data.random_crop(mtl.data.random_flip(images, seed), seed)


def load(split, arguments, **options):
    """Returns a part of CIFAR-10 in batches, or the small data of `--smoke`."""
    labels = {task.name: LABELS[task.name] for task in tasks(arguments.classes)}
    options = {
        "batch_size": 128,
        "keep": lambda image, label: label < arguments.classes,
        "seed": arguments.seed,
        **options,
    }
    if arguments.smoke:
        return _common.smoke_set((32, 32, 3), labels, **options)
    return mtl.data.tfds("cifar10", split, labels, **options)


def build(arguments):
    """Returns the model, not compiled."""
    return mtl.build_model(
        inputs=keras.Input((32, 32, 3), dtype="uint8", name="image"),
        tasks=tasks(arguments.classes),
        tower=mtl.towers.ResNet(depth=8 if arguments.smoke else 20, weight_decay=5e-4),
        sharing="hard",
        preprocess=keras.layers.Normalization(mean=MEAN, variance=[d**2 for d in DEVIATION]),
    )


def main():
    parser = _common.parser(__doc__, epochs=3)
    parser.add_argument("--classes", type=int, default=10, choices=range(4, 11), help="use only the first classes")
    parser.add_argument("--export", metavar="FOLDER", help="where to export the model, such as saved_models/cifar10")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    train = load("train[:45000]", arguments, shuffle=True, augment=augment)
    valid, test = load("train[45000:]", arguments), load("test", arguments)

    model = build(arguments)
    print(f"{model.count_params():,} parameters")
    epochs = _common.epochs(arguments)
    steps = epochs * len(train)
    # Up to 0.1 in the first fifth of the training, then down to 0.
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps - steps // 5, warmup_target=0.1, warmup_steps=steps // 5)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9, nesterov=True))
    history = model.fit(train, validation_data=valid, epochs=epochs)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    if arguments.export:
        print(f"\nExported to {mtl.export.saved_model(model, arguments.export)}")
    _common.print_table({"hard sharing": model.evaluate(test, return_dict=True, verbose=0)}, model.task_names)


if __name__ == "__main__":
    main()
