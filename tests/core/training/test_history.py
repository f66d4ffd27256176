"""What a run has seen."""

from mlpk import History


def test_one_number_an_epoch_under_each_name():
    history = History()
    assert len(history) == 0
    history.add({"loss": 2.0, "val_loss": 3.0}, 0.5)
    history.add({"loss": 1.0, "val_loss": 2.5}, 0.25)
    assert history.metrics == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]}
    assert history.seconds == [0.5, 0.25]
    assert len(history) == 2
