"""ATIS, questions to an airline: what do they ask for, and which kinds of slots do they have? Text towers side by side.

    python examples/text_classification.py --data DIR --towers cnn_attention bert

DIR has the folders `train`, `dev` and `test` of the usual split, each with `seq.in` (one sentence per line), `seq.out`
(its slots, one tag per word) and `label` (its intent). The tasks are the intent, and which of the most frequent kinds
of slots the sentence has. All towers start from random weights and read strings. The table at the end has the figures
of each tower on the test set, its number of parameters and the seconds per epoch, averaged over the seeds. With two or
more seeds, it also prints a verdict on each tower against the first.
"""

import collections
import functools
import pathlib

import _common
import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

NUM_SLOTS = 12  # the most frequent kinds in the training set
TOWERS = {
    "cnn_attention": (mtl.towers.CNNAttention, {"filters": (128, 128), "dropout": 0.2}),
    "dpcnn": (mtl.towers.DPCNN, {"filters": 128, "num_blocks": 3, "embedding_dim": 128, "dropout": 0.2}),
    "transformer": (mtl.towers.Transformer, {"embedding_dim": 128, "num_layers": 2, "num_heads": 4, "units": 256}),
    "bert": (mtl.towers.BERT, {"embedding_dim": 128, "num_layers": 2, "num_heads": 2, "units": 512}),  # BERT-tiny
}
SMOKE = ["cnn_attention"]


def read(folder):
    """Returns (sentences, slots of each sentence, intents) from a folder of ATIS."""
    sentences, slots, intents = (
        (pathlib.Path(folder) / name).read_text().strip().splitlines() for name in ("seq.in", "seq.out", "label")
    )
    return sentences, [line.split() for line in slots], [intent.strip() for intent in intents]


def made_up(num_rows, seed):
    """Returns made-up sentences in the form of ATIS, for `--smoke`."""
    rng = np.random.default_rng(seed)
    asked = {"flight": "show me flights", "airfare": "what is the fare", "airline": "which airline flies"}
    sentences, slots, intents = [], [], []
    for _ in range(num_rows):
        intent = rng.choice([*asked])
        words, tags = asked[intent].split(), ["O"] * len(asked[intent].split())
        for place in ("from", "to"):
            if rng.random() < 0.7:
                words += [place, rng.choice(["boston", "denver", "dallas"])]
                tags += ["O", f"B-{place}loc.city_name"]
        sentences.append(" ".join(words))
        slots.append(tags)
        intents.append(intent)
    return sentences, slots, intents


def labelled(parts):
    """Returns (sentences, labels by task) of each part, the intents, and the kinds of slots."""
    intents = sorted({intent for _, _, of_part in parts for intent in of_part})
    found = collections.Counter(tag[2:] for tags in parts[0][1] for tag in tags if tag.startswith("B-"))
    kinds = [kind for kind, _ in found.most_common(NUM_SLOTS)]
    sets = []
    for sentences, slots, of_part in parts:
        holds = [[f"B-{kind}" in tags for kind in kinds] for tags in slots]
        labels = {"intent": np.array([intents.index(i) for i in of_part]), "slots": np.array(holds, "float32")}
        sets.append((np.array(sentences), labels))
    return sets, intents, kinds


def build(x, intents, kinds, rate, tower="cnn_attention"):
    """Returns a compiled model."""
    cls, sizes = TOWERS[tower]
    recipe = cls.from_data(x, min_count=2, **sizes)
    tasks = [
        mtl.Task("intent", mtl.heads.Multiclass(len(intents))),
        mtl.Task("slots", mtl.heads.Multilabel(len(kinds)), weight=5.0),
    ]
    model = mtl.build_model(recipe.inputs(), tasks, tower=recipe, name=tower)
    model.compile(keras.optimizers.Adam(rate))
    return model


def main():
    parser = _common.parser(__doc__, epochs=15)
    parser.add_argument("--data", metavar="DIR", help="the folder of ATIS; needed without --smoke")
    parser.add_argument("--towers", nargs="+", choices=TOWERS, help="all by default")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate of Adam, 5e-4 by default")
    parser.add_argument("--seeds", type=int, default=1, help="how often each tower is trained, 1 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    parser.add_argument("--export", metavar="FOLDER", help="where to save the best model for TensorFlow Serving")
    arguments = parser.parse_args()
    if arguments.smoke:
        parts = [made_up(num_rows, seed) for seed, num_rows in enumerate((256, 64, 64))]
    elif arguments.data:
        parts = [read(pathlib.Path(arguments.data) / part) for part in ("train", "dev", "test")]
    else:
        parser.error("--data needs the folder of ATIS, with train, dev and test; or use --smoke.")
    data, intents, kinds = labelled(parts)
    print(f"{[len(x) for x, _ in data]} sentences, {len(intents)} intents, kinds of slots: {', '.join(kinds)}")
    names = arguments.towers or (SMOKE if arguments.smoke else list(TOWERS))
    study = mtl.study.compare(
        functools.partial(build, data[0][0], intents, kinds, arguments.rate),
        {name: {"tower": name} for name in names},
        *data,
        baseline=names[0],
        seeds=arguments.seeds,
        epochs=_common.epochs(arguments),
        patience=3,
        storage=arguments.storage,
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    if arguments.export:
        folder = mtl.export.saved_model(study.build_best(), arguments.export, labels={"intent": intents})
        answer = tf.saved_model.load(folder).signatures["labels"](text=tf.constant(["show me the flights to boston"]))
        print(f"Saved {folder}, which takes text:", answer["intent_label"][0].numpy().decode())
    print(f"\n{study}")
    results = {name: _common.means(study, name) | _common.costs(study, name) for name in names}
    _common.print_table(results, ["intent", "slots", "model"])


if __name__ == "__main__":
    main()
