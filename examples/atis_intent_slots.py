"""ATIS: what does a traveller want, and which words say where, when and how? Jointly, apart, and in a cascade.

    python examples/atis_intent_slots.py --data atis --models joint_crf

Two tasks on one bidirectional LSTM: the intent of a sentence, and a tag for each of its words. `--data` is a folder
with `train`, `dev` and `test`, each with the files `seq.in`, `seq.out` and `label`, one sentence per line, as in the
repositories of Slot-Gated SLU (MiuLab) and JointBERT. `--smoke` makes up sentences. The table has figures on `test`,
averaged over the seeds: the accuracy of the intent, the span F1 of the slots (counted as in conlleval), and the share
of sentences without any mistake; also the number of parameters and the seconds per epoch. The verdict before it says
which models differ from one BiLSTM per task, `apart_crf`. The models are saved in a folder.
"""

import functools
import pathlib
import re

import _common
import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

HARD, APART = mtl.sharing.Hard(), mtl.sharing.SingleTask()
MODELS = {  # {name: (scheme, structure of the tags)}
    "joint_crf": (HARD, "crf"),
    "joint_softmax": (HARD, "softmax"),
    "apart_crf": (APART, "crf"),
    "apart_softmax": (APART, "softmax"),
    "intent_to_slots": (mtl.sharing.Cascade(order=["intent", "slots"], pass_on="features"), "crf"),
    "slots_to_intent": (mtl.sharing.Cascade(order=["slots", "intent"], pass_on="features"), "crf"),
}
SMOKE = ["slots_to_intent"]
PARTS = ("train", "dev", "test")


def read(folder):
    """Returns the sentences of a part (lists of words), their lists of tags, and their intents."""
    words, tags, intents = ((folder / name).read_text().splitlines() for name in ("seq.in", "seq.out", "label"))
    words = [re.sub(r"\d", "0", line).split() for line in words]  # of a number, only the number of digits is kept
    return words, [line.split() for line in tags], [line.strip() for line in intents]


def made_up(num_sentences, seed):
    """Returns made-up sentences in the form of ATIS, for `--smoke`."""
    rng = np.random.default_rng(seed)
    words, tags, intents = [], [], []
    for _ in range(num_sentences):
        start, end = rng.choice(["boston", "denver", "new york", "san francisco"], 2, replace=False)
        intent, first = [("flight", "show flights"), ("airfare", "what does it cost")][rng.integers(2)]
        parts = [(first, None), ("from", None), (start, "fromloc"), ("to", None), (end, "toloc")]
        words.append([word for text, _ in parts for word in text.split()])
        places = [(kind, i) for text, kind in parts for i, _ in enumerate(text.split())]
        tags.append(["O" if kind is None else f"{'I' if i else 'B'}-{kind}" for kind, i in places])
        intents.append(intent)
    return words, tags, intents


def arrays(part, tags, intents):
    """Returns the texts and the labels of a part; tags are padded with -1, a missing label."""
    words, own_tags, own_intents = part
    slots = np.full((len(words), max(map(len, words))), -1)
    for row, sentence in zip(slots, own_tags, strict=True):
        row[: len(sentence)] = [tags.index(tag) for tag in sentence]
    texts = np.array([" ".join(sentence) for sentence in words])
    return texts, {"intent": np.array([intents.index(intent) for intent in own_intents]), "slots": slots}


def cut(x, y, weights):
    """Cuts the tags of a batch to its longest sentence, as the model does."""
    length = tf.reduce_max(tf.math.count_nonzero(weights["slots"], axis=1))
    return x, {**y, "slots": y["slots"][:, :length]}, {**weights, "slots": weights["slots"][:, :length]}


def shuffled(x, y, batch_size, seed):
    return mtl.data.from_arrays(x, y, batch_size, shuffle=True, seed=seed).map(cut)


def whole(x, y):
    """Returns a dataset of one batch, with tags of one length."""
    return mtl.data.from_arrays(x, y, batch_size=len(x))


def build(x, tags, intents, steps, model="joint_crf"):
    """Returns a compiled model whose learning rate falls to 0 in `steps` steps."""
    sharing, structure = MODELS[model]
    tower = mtl.towers.BiLSTM.from_data(x, min_count=2, standardize=None, embedding_dim=128, units=(192,), dropout=0.6)
    tasks = [
        mtl.Task("intent", mtl.heads.Multiclass(len(intents))),
        mtl.Task("slots", mtl.heads.Tagging(len(tags), structure), metrics=[mtl.metrics.SpanF1(tags)]),
    ]
    built = mtl.build_model(tower.inputs(), tasks, tower=tower, sharing=sharing, name=model)
    built.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)))
    return built


def sentences_right(study, name, x, y):
    """Returns the share of sentences whose intent and slots are all right, averaged over the seeds."""
    models = [study.model(name, seed) for seed in study.runs(name)]
    return np.mean([mtl.metrics.joint_accuracy(y, model.predict(whole(x, y), verbose=0)) for model in models])


def main():
    parser = _common.parser(__doc__, epochs=20)
    parser.add_argument("--data", metavar="FOLDER", type=pathlib.Path, help="ATIS, in the form above")
    parser.add_argument("--models", nargs="+", choices=MODELS, help="all by default")
    parser.add_argument("--batch", type=int, default=32, help="sentences in a batch, 32 by default")
    parser.add_argument("--seeds", type=int, default=3, help="how often each model is trained, 3 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    parser.add_argument("--export", metavar="FOLDER", help="where to save the best model for TensorFlow Serving")
    arguments = parser.parse_args()
    if not arguments.data and not arguments.smoke:
        parser.error("--data must be the folder of ATIS")
    parts = [made_up(100, seed) if arguments.smoke else read(arguments.data / PARTS[seed]) for seed in range(3)]
    # From all three parts: tags and intents that the training set lacks count as mistakes.
    tags = ["O", *sorted({tag for _, sentences, _ in parts for sentence in sentences for tag in sentence} - {"O"})]
    intents = sorted({intent for *_, own in parts for intent in own})
    train, dev, test = (arrays(part, tags, intents) for part in parts)
    epochs, names = _common.epochs(arguments), arguments.models or (SMOKE if arguments.smoke else list(MODELS))
    study = mtl.study.compare(
        functools.partial(build, train[0], tags, intents, epochs * -(-len(train[0]) // arguments.batch)),
        {name: {"model": name} for name in names},
        functools.partial(shuffled, *train, arguments.batch),
        whole(*dev),
        whole(*test),
        baseline="apart_crf" if "apart_crf" in names else names[0],
        seeds=1 if arguments.smoke else arguments.seeds,
        epochs=epochs,
        storage=arguments.storage,
        keep="best",
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    if arguments.export:
        folder = mtl.export.saved_model(study.build_best(), arguments.export, labels={"intent": intents, "slots": tags})
        text = tf.constant(test[0][:1])
        answer = tf.saved_model.load(folder).signatures["labels"](text=text)
        print(f"Saved {folder}: {text[0].numpy().decode()!r} is", {k: v.numpy()[0] for k, v in answer.items()})
    print(f"\n{study}")
    right = {name: {"sentence_right": sentences_right(study, name, *test)} for name in names}
    results = {name: _common.means(study, name) | right[name] | _common.costs(study, name) for name in names}
    _common.print_table(results, ["intent", "slots", "sentence", "model"])


if __name__ == "__main__":
    main()
