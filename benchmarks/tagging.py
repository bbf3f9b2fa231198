"""What does a conditional random field cost? `python benchmarks/tagging.py --tags 20 120`.

A training step of `heads.Tagging` with `structure="crf"` and `"hmm"`, relative to `"softmax"`, on a bidirectional LSTM.
"""

import argparse

import keras
import numpy as np
from _bench import report

import mtl_keras as mtl

STEPS = 10


def compiled(structure, num_tags):
    keras.utils.set_random_seed(0)
    tower = mtl.towers.BiLSTM(num_tokens=1000, embedding_dim=100, units=(128,))
    task = mtl.Task("slots", mtl.heads.Tagging(num_tags, structure), metrics=[])
    model = mtl.build_model(tower.inputs(), [task], tower=tower)
    model.compile("adam")
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tags", type=int, nargs="+", default=[20, 120])
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    x = random.integers(1, 1000, (arguments.batch * STEPS, arguments.length))
    for num_tags in arguments.tags:
        data = mtl.data.from_arrays(x, {"slots": random.integers(0, num_tags, x.shape)}, arguments.batch)
        models = {structure: compiled(structure, num_tags) for structure in ("softmax", "crf", "hmm")}
        runs = {structure: lambda m=model, d=data: m.fit(d, verbose=0) for structure, model in models.items()}
        report(f"{num_tags} tags, {arguments.length} tokens", runs, arguments.rounds)


if __name__ == "__main__":
    main()
