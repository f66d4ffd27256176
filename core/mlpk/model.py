"""Models: forward down, backward up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Self

from numpy.typing import DTypeLike

from mlpk import training
from mlpk.alarms import muted
from mlpk.arrays import Named
from mlpk.drawing import drawn
from mlpk.file import model_file
from mlpk.file.kept import Kept
from mlpk.graph import Graph
from mlpk.inputs import check_count, float_name, network_inputs, one_or_all
from mlpk.passes import Pass
from mlpk.prediction import Prediction
from mlpk.storage import Storage
from mlpk.streams import checked_seed, stream
from mlpk.summary import summary
from mlpk.symbol import Symbol
from mlpk.training import History
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import build

__all__ = ["Model"]


class Model:
    """A network with its arrays.

    Made from a list of layers that feed each other, with the `input_shape` of one row, or from
    symbols, with `inputs` and `outputs`. `seed` fixes the first values, dropout and the order of
    the rows in training; None draws one. A model never holds a training mode: `training` is an
    argument. `predict` may be called from several threads at once. `history` is that of the last
    `fit`, also of one that was interrupted; None before.
    """

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        *,
        input_shape: Sequence[int | None] | None = None,
        input_dtype: DTypeLike | None = None,
        inputs: Symbol | Sequence[Symbol] | None = None,
        outputs: Symbol | Sequence[Symbol] | None = None,
        dtype: DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        graph = drawn(layers, input_shape, input_dtype, inputs, outputs, float_name(dtype))
        seed = checked_seed(seed)
        self._set(graph, Storage.drawn(graph, seed), seed)

    def _set(self, graph: Graph, storage: Storage, seed: int) -> None:
        self.seed = seed
        self.meta: dict[str, str] = {}
        self.kept: Kept | None = None  # what an opaque load found beside the network
        self.history: History | None = None
        self._fits = 0
        self._graph = graph
        self._storage = storage
        self._training_pass: Pass | None = None
        self._prediction = Prediction(graph, storage)

    @classmethod
    def of(cls, graph: Graph, storage: Storage, seed: int) -> Self:
        """Return a model of a checked graph and its arrays, as they are."""
        model = cls.__new__(cls)
        model._set(graph, storage, seed)  # noqa: SLF001 - a constructor of its own class
        return model

    @classmethod
    def opened(cls, found: model_file.Opened, seed: int, fits: int = 0) -> Self:
        """Return the model of an opened file, of which so many runs are counted."""
        model = cls.of(found.graph, found.storage, seed)
        model.meta, model.kept = dict(found.header.meta), found.kept
        model._fits = fits  # noqa: SLF001 - likewise
        return model

    @classmethod
    def from_spec(cls, spec: ModelSpec | Mapping[str, Any], *, seed: int | None = None) -> Self:
        """Return a model of what was written down, with fresh first values."""
        if not isinstance(spec, ModelSpec):
            spec = build(ModelSpec, spec, "spec", strict=False)
        graph = Graph.of_spec(spec)
        seed = checked_seed(seed)
        return cls.of(graph, Storage.drawn(graph, seed), seed)

    @property
    def spec(self) -> ModelSpec:
        """What the network is, written down, without its arrays."""
        return self._graph.spec()

    @property
    def dtype(self) -> str:
        """The dtype of parameters and activations."""
        return self._graph.dtype

    @property
    def graph(self) -> Graph:
        """The checked graph: nodes, shapes and declared arrays."""
        return self._graph

    @property
    def storage(self) -> Storage:
        """The arrays behind `params`, `buffers` and `grads`."""
        return self._storage

    @property
    def params(self) -> Named:
        """The trained arrays, "node/array"."""
        views = self._storage.params
        return Named("params", {name: views[name] for name in self._graph.arrays("params")})

    @property
    def buffers(self) -> Named:
        """The remembered arrays, such as running statistics."""
        views = self._storage.buffers
        return Named("buffers", {name: views[name] for name in self._graph.arrays("buffers")})

    @property
    def grads(self) -> Named:
        """The gradients that the last `backward` wrote, under the names of the parameters."""
        views = self.trainable_storage().grads.views  # type: ignore[union-attr] # is not None there
        return Named("grads", {name: views[name] for name in self._graph.params})

    def trainable_storage(self) -> Storage:
        """Return the storage, or refuse where its arrays cannot be trained."""
        self._storage.refuse_untrainable()
        return self._storage

    def new_pass(self, *, training: bool = True) -> Pass:
        """Return a pass with memory of its own, for those who interleave several."""
        return Pass(self._graph, self._storage, self.seed, training=training)

    def training_pass(self) -> Pass:
        """Return the one pass that `forward`, `backward` and `fit` use."""
        if self._training_pass is None:
            self.trainable_storage()
            self._training_pass = self.new_pass()
        return self._training_pass

    def next_seed(self) -> int:
        """Return the seed of the next run: the model's own for its first, then others drawn from it."""
        self._fits += 1
        later = stream(self.seed, "fit", self._fits)
        return self.seed if self._fits == 1 else int(later.integers(2**32))

    def forward(self, x: Any, *, training: bool = False) -> Any:
        """Return the output for all rows of `x` at once: an array, or a dict if there are several.

        Keeps what `backward` needs, which may be `x` itself: leave it as it is until then. With
        `training`, dropout drops and buffers are updated.
        """
        with muted():
            arrays = network_inputs(self._graph.inputs, x)
            outputs = self.training_pass().forward(arrays, training=training)
        return one_or_all({name: output.copy() for name, output in outputs.items()})

    def backward(self, doutput: Any, *, inputs: bool = False) -> Any:
        """Write `grads` from the gradient of the output; with `inputs`, return that of the input.

        It goes back over the last `forward`, in whose shape and rows `doutput` must be.
        """
        run = self.training_pass()
        run.prepare_backward(inputs=inputs)
        with muted():
            found = run.backward(run.output_gradients(doutput))
        if not inputs:
            return None
        grads = {name: found[name].copy() for name in self._graph.inputs if name in found}
        return next(iter(grads.values()), None) if len(self._graph.inputs) == 1 else grads

    def predict(self, x: Any, *, batch_size: int = 1024) -> Any:
        """Return the output in evaluation mode and the model's dtype; several in a dict by name.

        Batches have at most `batch_size` rows, fewer where the cache holds no more; threads share them.
        """
        return one_or_all(self._prediction.run(x, batch_size))

    def submodel(self, output: str | Sequence[str]) -> Model:
        """Return the part of this model that ends in another node; it shares these arrays."""
        return Model.of(self._graph.ending_in(output), self._storage, self.seed)

    def summary(self) -> str:
        """Return a table of nodes and totals, to print.

        Columns: the output's shape for one row, numbers that are trained (parameters) and that are
        remembered (buffers, as batch_norm's running statistics), memory of both and of the output
        for one row, and multiplications with weights for one row. "?" depends on an unknown length;
        the totals count shared arrays once.
        """
        return summary(self._graph, self._storage)

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: Any,
        optimizer: Any,
        epochs: int = 1,
        batch_size: int = 32,
        validation: Any = None,
        metrics: Any = (),
        weight: Any = None,
        shuffle: bool = True,
        drop_last: bool = False,
        regularizer: Any = None,
        accumulate: int = 1,
        frozen: Collection[str] = (),
        lr_factors: Mapping[str, float] | None = None,
        callbacks: Iterable[Any] = (),
        progress: Any = True,
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        seed: int | None = None,
    ) -> History:
        """Train on arrays, or on any iterable of (x, y) or (x, y, weight) batches.

        `loss`, `optimizer`, `metrics` and `regularizer` are instances, names or mappings; dicts by
        name serve several inputs or outputs. `weight` (N,) weighs rows. `accumulate` batches make
        one update. `frozen` nodes keep their parameters, and those with buffers (batch_norm) run as
        in evaluation, which keeps these too; dropout still drops. `lr_factors` multiply the rate by
        node. `validation` is (x, y) or (x, y, weight), evaluated after each epoch.

        With `checkpoint` the run is saved there after each epoch; with `resume` it goes on where
        that file stopped. Returns the `History`, one number an epoch under each name.
        """
        fit = training.Fit(
            self, x, y, loss=loss, optimizer=optimizer, epochs=epochs, batch_size=batch_size,
            validation=validation, metrics=metrics, weight=weight, shuffle=shuffle,
            drop_last=drop_last, regularizer=regularizer, accumulate=accumulate, frozen=frozen,
            lr_factors=lr_factors or {}, callbacks=callbacks, progress=progress,
            checkpoint=checkpoint, resume=resume, seed=seed,
        )  # fmt: skip
        return fit.run()

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        loss: Any = None,
        metrics: Any = (),
        weight: Any = None,
        regularizer: Any = None,
        batch_size: int = 256,
    ) -> dict[str, Any]:
        """Return {"loss": ..., metric: ...} over all rows, in evaluation mode."""
        check_count("batch_size", batch_size)
        return training.evaluate(
            self, x, y, weight, loss=loss, metrics=metrics, regularizer=regularizer,
            batch_size=batch_size,
        )  # fmt: skip

    def save(
        self,
        path: str | PathLike[str],
        *,
        meta: Mapping[str, str] | None = None,
        durable: bool = True,
    ) -> str:
        """Write the model to a .mlpk file and return its digest, "sha256:...".

        The file appears whole or not at all; an older one there stays until then. `meta` replaces
        the user's texts that are kept with the model; `durable=False` skips waiting for the disk.
        """
        before = self.meta
        if meta is not None:
            self.meta = model_file.checked_meta(meta)
        try:
            return model_file.save(self, path, None, durable=durable)
        except BaseException:
            self.meta = before
            raise

    def load_params(self, path: str | PathLike[str], *, strict: bool = True) -> list[str]:
        """Take parameters and buffers from a file by name; return the names that were taken.

        Shapes must be equal. With `strict` both sides must have the same names; without, those
        that both have are taken. On any error nothing is changed.
        """
        return model_file.load_params(self, path, strict=strict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy through the bytes of a file; the seed and the count of runs go beside."""
        missing = "error" if self._graph.is_whole and self.kept is None else "opaque"
        return _revived, (model_file.dump(self), self.seed, self._fits, missing)

    def __repr__(self) -> str:
        count = sum(array.size for array in self.params.values())
        return f"<Model {self._graph}, {count:,} parameters, {self.dtype}>"


def _revived(data: bytes, seed: int, fits: int, missing: Literal["error", "opaque"]) -> Model:
    return Model.opened(model_file.read(data, missing=missing), seed, fits)
