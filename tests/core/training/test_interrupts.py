"""Ctrl-C waits for the end of a step, and leaves a model, a history and a file behind."""

import signal
import threading

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl
from mlpk.training.interrupts import Interrupts


def press():
    signal.raise_signal(signal.SIGINT)


class TestInterrupts:
    def test_it_waits_for_the_end_of_the_block(self):
        done = []

        def work(interrupts):
            with interrupts.whole():
                press()
                done.append("rest of the block")
            done.append("never")

        with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
            work(interrupts)
        assert done == ["rest of the block"]

    def test_between_blocks_it_is_passed_on_at_once(self):
        with Interrupts() as interrupts:
            with interrupts.whole():
                pass
            with pytest.raises(KeyboardInterrupt):
                press()

    def test_the_second_does_not_wait(self):
        done = []

        def work(interrupts):
            with interrupts.whole():
                press()
                done.append("after the first")
                press()
                done.append("never")

        with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt):
            work(interrupts)
        assert done == ["after the first"]

    def test_one_that_waited_is_told_once(self):
        with Interrupts() as interrupts:
            with pytest.raises(KeyboardInterrupt), interrupts.whole():
                press()
            with interrupts.whole():
                pass

    def test_the_handler_of_before_decides_and_is_put_back(self):
        heard = []

        def mine(number, _):
            heard.append(number)

        before = signal.signal(signal.SIGINT, mine)
        try:
            with Interrupts() as interrupts:
                with interrupts.whole():
                    press()
                    assert not heard
                assert heard == [signal.SIGINT]
            assert signal.getsignal(signal.SIGINT) is mine
        finally:
            signal.signal(signal.SIGINT, before)

    def test_a_handler_that_was_set_within_stays(self):
        before = signal.getsignal(signal.SIGINT)
        try:
            with Interrupts():
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)

    def test_other_threads_and_ignored_interrupts_are_left_alone(self):
        before = signal.getsignal(signal.SIGINT)
        seen = []

        def work():
            with Interrupts() as interrupts, interrupts.whole():
                seen.append(signal.getsignal(signal.SIGINT))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with Interrupts() as interrupts, interrupts.whole():
                press()
        finally:
            signal.signal(signal.SIGINT, before)
        assert seen == [before]


@mlpk.define
class PressesInside(mlpk.Optimizer):
    """Gradient descent that is interrupted in the midst of its third update."""

    kind = "presses_inside"
    elementwise = False

    def update(self, param, grad, slots, step):
        if step.t == 3 and param.shape == (10,):
            press()
        param -= 0.1 * grad


@mlpk.define
class Plain(mlpk.Optimizer):
    """The same, left in peace."""

    kind = "plain"
    elementwise = False

    def update(self, param, grad, slots, step):
        param -= 0.1 * grad


class Stop:
    @hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step == 3:
            fit.stop()


class TestFit:
    def test_the_model_is_as_after_a_whole_step(self, net, fit, digits, arrays):
        model, twin = net(), net()
        with pytest.raises(KeyboardInterrupt):
            fit(model, *digits, optimizer=PressesInside())
        fit(twin, *digits, optimizer=Plain(), callbacks=[Stop()])
        found, wanted = arrays(model), arrays(twin)
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)

    def test_callbacks_finish_the_step_too(self, net, fit, digits):
        seen = []

        class Presses:
            @hookimpl
            def mlpk_batch_end(self, fit):
                if fit.step == 2:
                    press()

        class Sees:
            @hookimpl
            def mlpk_batch_end(self, fit):
                seen.append(fit.step)

            @hookimpl
            def mlpk_fit_end(self, fit):
                seen.append("end")

        with pytest.raises(KeyboardInterrupt):
            fit(net(), *digits, callbacks=[Presses(), Sees()])
        assert seen == [1, 2, "end"]

    def test_the_history_stays_with_the_model(self, net, fit, digits):
        class Presses:
            @hookimpl
            def mlpk_batch_end(self, fit):
                if fit.epoch == 3:
                    press()

        model = net()
        assert model.history is None
        with pytest.raises(KeyboardInterrupt):
            fit(model, *digits, epochs=5, callbacks=[Presses()])
        assert len(model.history.metrics["loss"]) == 2
        again = fit(model, *digits)
        assert model.history is again

    def test_waiting_for_data_and_validation_can_be_broken_off(self, net, fit, digits):
        x, y = digits

        def batches():
            yield x[:30], y[:30]
            press()
            raise AssertionError("waiting was to end")

        model = net()
        with pytest.raises(KeyboardInterrupt):
            fit(model, batches())
        assert len(model.history) == 0

    def test_the_file_is_that_of_the_last_step(self, net, fit, digits, tmp_path):
        path = tmp_path / "run.mlpk"
        checkpoint = mlpk.callbacks.checkpoint(path, every_steps=1)

        class Presses:
            @hookimpl
            def mlpk_batch_end(self, fit):
                if fit.step == 4:
                    press()

        with pytest.raises(KeyboardInterrupt):
            fit(net(), *digits, epochs=2, checkpoint=path, callbacks=[checkpoint, Presses()])
        assert mlpk.inspect(path).state.fit.step == 4
        found = fit(net(), *digits, epochs=2, checkpoint=path, resume=True)
        assert found.metrics == fit(net(), *digits, epochs=2).metrics
