"""ATIS: what does a traveller want, and which words say from where, when, on what? Jointly, apart, and in cascade.

    python examples/atis_intent_slots.py --data atis --models joint_crf

Two tasks on one bidirectional LSTM: the intent of a sentence, and a tag for each of its words. `--data` is a folder
with `train`, `dev` and `test`, each with the files `seq.in`, `seq.out` and `label`, a sentence a line, as the
repositories of Slot-Gated SLU (MiuLab) and JointBERT have them. `--smoke` makes sentences of its own. The table
has the accuracy of the intent, the span F1 of the slots as conlleval counts it, and the share of the sentences in which
all is right, on `test`; and the number of parameters and the seconds of the training.
"""

import pathlib
import re
import time

import _common
import keras
import numpy as np
import tensorflow as tf

import mtl_keras as mtl

HARD, APART = mtl.sharing.Hard(), mtl.sharing.SingleTask()
MODELS = {  # a scheme, and how the tags are decided
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
    """Returns the sentences of a part, lists of words, with their lists of tags and their intents."""
    words, tags, intents = ((folder / name).read_text().splitlines() for name in ("seq.in", "seq.out", "label"))
    words = [re.sub(r"\d", "0", line).split() for line in words]  # a number is told by how many digits it has
    return words, [line.split() for line in tags], [line.strip() for line in intents]


def made_up(num_sentences, seed):
    """Returns sentences of the form of ATIS', for `--smoke`."""
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
    """Returns the texts and the labels of a part; tags end in -1, which are no labels."""
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


def train(name, data, tags, intents, arguments):
    """Returns the trained model and its history."""
    keras.utils.set_random_seed(arguments.seed)
    sharing, structure = MODELS[name]
    x, y = data["train"]
    tower = mtl.towers.BiLSTM.from_data(x, min_count=2, standardize=None, embedding_dim=128, units=(192,), dropout=0.6)
    tasks = [
        mtl.Task("intent", mtl.heads.Multiclass(len(intents))),
        mtl.Task("slots", mtl.heads.Tagging(len(tags), structure), metrics=[mtl.metrics.SpanF1(tags)]),
    ]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower, sharing=sharing, name=name)
    epochs = _common.epochs(arguments)
    steps = epochs * -(-len(x) // arguments.batch)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)))
    history = model.fit(
        mtl.data.from_arrays(x, y, arguments.batch, shuffle=True, seed=arguments.seed).map(cut),
        validation_data=mtl.data.from_arrays(*data["dev"], batch_size=len(data["dev"][0])),
        epochs=epochs,
        verbose=2,
    )
    return model, history


def judge(model, x, y):
    """Returns what a model reaches; all sentences are one batch, as their tags have one length."""
    batch = mtl.data.from_arrays(x, y, batch_size=len(x))
    result = model.evaluate(batch, return_dict=True, verbose=0)
    both = mtl.metrics.joint_accuracy(y, model.predict(batch, verbose=0))
    return {key: result[key] for key in ("intent_accuracy", "slots_span_f1")} | {"sentence_right": both}


def main():
    parser = _common.parser(__doc__, epochs=20)
    parser.add_argument("--data", metavar="FOLDER", type=pathlib.Path, help="ATIS, in the form above")
    parser.add_argument("--models", nargs="+", choices=MODELS, help="all by default")
    parser.add_argument("--batch", type=int, default=32, help="sentences in a batch, 32 by default")
    parser.add_argument("--export", metavar="FOLDER", help="where to save the last model for TensorFlow Serving")
    arguments = parser.parse_args()
    if not arguments.data and not arguments.smoke:
        parser.error("--data must be the folder of ATIS")
    parts = [made_up(100, seed) if arguments.smoke else read(arguments.data / PARTS[seed]) for seed in range(3)]
    # Of all three parts: tags and intents that only the others have count as mistakes.
    tags = ["O", *sorted({tag for _, sentences, _ in parts for sentence in sentences for tag in sentence} - {"O"})]
    intents = sorted({intent for *_, own in parts for intent in own})
    data = {name: arrays(part, tags, intents) for name, part in zip(PARTS, parts, strict=True)}
    results = {}
    for name in arguments.models or (SMOKE if arguments.smoke else MODELS):
        start = time.perf_counter()
        model, history = train(name, data, tags, intents, arguments)
        seconds = time.perf_counter() - start
        cost = {"model_parameters": model.count_params(), "model_seconds": seconds}
        results[name] = judge(model, *data["test"]) | cost
        print(f"{name}:", ", ".join(f"{key} {value:.4f}" for key, value in results[name].items()), flush=True)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    if arguments.export:
        labels = {"intent": intents, "slots": tags}
        folder = mtl.export.saved_model(model, arguments.export, labels=labels)
        text = tf.constant(data["test"][0][:1])
        answer = tf.saved_model.load(folder).signatures["labels"](text=text)
        print(f"Saved {folder}: {text[0].numpy().decode()!r} is", {k: v.numpy()[0] for k, v in answer.items()})
    _common.print_table(results, ["intent", "slots", "sentence", "model"])


if __name__ == "__main__":
    main()
