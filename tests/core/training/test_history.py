"""What a run has seen."""

import numpy as np

from mlpk import History


def test_one_number_an_epoch_under_each_name():
    history = History()
    assert len(history) == 0
    history.add({"loss": 2.0, "val_loss": 3.0}, 0.5)
    history.add({"loss": 1.0, "val_loss": 2.5}, 0.25)
    assert history.metrics == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]}
    assert history.seconds == [0.5, 0.25]
    assert len(history) == 2


def test_an_array_an_epoch_where_a_metric_gives_one():
    history = History()
    counts = [np.eye(2), np.ones((2, 2))]
    for matrix in counts:
        history.add({"loss": 1.0, "confusion_matrix": matrix}, 0.5)
    assert all(map(np.array_equal, history.metrics["confusion_matrix"], counts))
    assert len(history) == 2
