"""A comparison of 2 candidates with 2 tuning trials and 6 seeds, as a program that tests start and kill.

python -m tests.integration.study_program study.db 2
"""

import sys

import mtl_keras as mtl
from mtl_keras.study import _queue, _storage
from tests.unit.study._problem import TEST, TRAIN, VALID, build

_storage.HEARTBEAT, _storage.GRACE, _queue.POLL = 1, 4, 0.2  # for processes of a minute; the workers import this, too


def main(file, workers):
    options = {"tune": {"rate": mtl.study.Float(0.01, 0.1, log=True)}, "trials": 2, "seeds": 6, "epochs": 2}
    study = mtl.study.compare(build, {"sum": {}}, TRAIN, VALID, TEST, storage=file, workers=int(workers), **options)
    print(study)


if __name__ == "__main__":
    main(*sys.argv[1:])
