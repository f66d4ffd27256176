"""Batches of the caller that change from walk to walk go on where they were, too."""

import pytest

from mlpk import hookimpl


class Shuffled(list):
    """A list of batches that changes its order by itself, and can say how far it is with that."""

    turns = 0

    def __getitem__(self, place):
        if place == 0:
            self.turns += 1
        return super().__getitem__((place + self.turns) % len(self))

    def state(self):
        return {"turns": self.turns}

    def restore(self, state):
        self.turns = state["turns"]


@pytest.mark.parametrize("role", ["data", "validation"])
def test_lists_and_validation_sets_that_change_are_kept_too(role, net, fit, digits, tmp_path):
    x, y = digits
    path = tmp_path / "run.mlpk"

    def batches():
        return Shuffled((x[at : at + 20], y[at : at + 20]) for at in range(0, 100, 20))

    class Stop:
        @hookimpl
        def mlpk_batch_end(self, fit):
            if fit.epoch == 2 and fit.batch == 3:
                raise InterruptedError

    def run(**more):
        if role == "data":
            return fit(net(), batches(), epochs=4, **more).metrics
        return fit(net(), x, y, validation=(Turning(x, y), None), epochs=4, **more).metrics

    wanted = run()
    with pytest.raises(InterruptedError):
        run(checkpoint=path, callbacks=[Stop()])
    assert run(checkpoint=path, resume=True) == wanted


class Turning:
    """One batch a walk, another one every time."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.turns = 0

    def __iter__(self):
        self.turns += 1
        yield self.x[self.turns : self.turns + 20], self.y[self.turns : self.turns + 20]

    def state(self):
        return {"turns": self.turns}

    def restore(self, state):
        self.turns = state["turns"]
