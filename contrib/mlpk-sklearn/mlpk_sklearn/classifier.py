"""A network that tells classes apart."""

from __future__ import annotations

from typing import Any, Self

import mlpk
import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from mlpk_sklearn.net import Net
from mlpk_sklearn.rows import Rows
from mlpk_sklearn.weights import row_weights

__all__ = ["NetClassifier"]

Array = NDArray[Any]


def _one_part_will_do(classifier: NetClassifier) -> bool:
    """Refuse `partial_fit` where the weights of the classes follow from all rows at once."""
    if classifier.class_weight == "balanced":
        problem = 'class_weight="balanced" needs all rows at once; partial_fit takes a dict'
        raise AttributeError(problem)
    return True


class NetClassifier(ClassifierMixin, Net):
    """A classifier whose hidden layers are mlpk's, by name, as mappings or as instances.

    Input and output follow from the data: the features come in, a dense layer with one logit a
    class goes out, `softmax_cross_entropy` compares it with the labels.

    Parameters
    ----------
    layers : sequence, default=(100,)
        The hidden layers, as `mlpk.Model` takes them: names, mappings with "kind", instances. A
        whole number n stands for a dense layer of n units and a relu behind it. An empty sequence
        makes softmax regression.
    optimizer, regularizer : name, mapping or instance; default="adam" and None
    loss : name, mapping or instance, default="softmax_cross_entropy"
        A loss that takes logits, such as
        `{"kind": "softmax_cross_entropy", "label_smoothing": 0.1}`.
    input_shape : sequence of int, default=None
        The shape in which the network gets a row, such as (8, 8, 1); by default (n_features,).
        Where it has several axes, the last hidden layer's output is flattened.
    class_weight : None, "balanced" or dict, default=None
        Factors of the sample weights by class.
    batch_size : int, default=200
        Rows of an update, at most all there are; a few more where one row would be left over.
    max_iter : int, default=200
        The most epochs.
    tol : float or None, default=1e-4
        Training ends after `n_iter_no_change` epochs in a row whose loss was not lower by `tol`;
        with `early_stopping` it is the loss of the rows held out. None: it ends after `max_iter`
        epochs, except by early stopping.
    n_iter_no_change : int, default=10
    early_stopping : bool, default=False
        Hold out `validation_fraction` of the rows, of each class alike, and keep the weights that
        did best on them.
    validation_fraction : float, default=0.1
    shuffle : bool, default=True
        Whether each epoch has an order of its own.
    warm_start : bool, default=False
        Whether `fit` goes on from the network that is there, with a fresh optimizer.
    metrics, callbacks : sequence, default=()
        As `mlpk.Model.fit` takes them; results are in `history_`.
    dtype : "float32", "float64" or None, default=None
        None: that of X if it is one of the two, else float64.
    random_state : int, RandomState or None, default=None
        Decides first weights, order of the rows, dropout and the rows held out.
    verbose : bool, default=False
        Whether to report each epoch on standard error.

    Attributes
    ----------
    classes_ : the labels, sorted
    model_ : mlpk.Model, from rows to logits
    history_ : mlpk.History of all epochs; `loss_curve_` is its loss, `n_iter_` their number, and
        its `ended` why the last training ended before `max_iter`, None if it did not
    n_features_in_, feature_names_in_ : what `fit` was given

    """

    def __init__(
        self,
        layers: Any = (100,),
        *,
        optimizer: Any = "adam",
        loss: Any = "softmax_cross_entropy",
        regularizer: Any = None,
        input_shape: Any = None,
        class_weight: Any = None,
        batch_size: int = 200,
        max_iter: int = 200,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        shuffle: bool = True,
        warm_start: bool = False,
        metrics: Any = (),
        callbacks: Any = (),
        dtype: Any = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.layers = layers
        self.optimizer = optimizer
        self.loss = loss
        self.regularizer = regularizer
        self.input_shape = input_shape
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.metrics = metrics
        self.callbacks = callbacks
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, features) with labels y (n,), and return the estimator."""
        going_on = self._goes_on()
        x, y = self._labelled(X, y, reset=not going_on)
        weight = row_weights(sample_weight, self.class_weight, y)
        if going_on:
            self._attach()
        else:
            self.classes_ = _at_least_two(y)
            self._start(x, len(self.classes_))
        rows = Rows.of(self._shaped(x), self._numbered(y), weight)
        self._train(rows, strata=rows.y)
        return self

    @available_if(_one_part_will_do)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train on these rows for one epoch, from where the network and its optimizer are.

        The first call makes the network and needs all `classes` that will ever come.
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise mlpk.ConfigError("classes", "wanted in the first call to partial_fit: all labels")
        x, y = self._labelled(X, y, reset=first)
        if first:
            self.classes_ = _at_least_two(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            problem = f"wanted those of the first call, {self.classes_}, found {classes}"
            raise mlpk.ConfigError("classes", problem)
        weight = row_weights(sample_weight, self.class_weight, y)
        target = self._numbered(y)
        if first:
            self._start(x, len(self.classes_))
        self._train_one_epoch(Rows.of(self._shaped(x), target, weight))
        return self

    def predict(self, X: Any) -> Array:
        """Return the most probable label of each row, (n,)."""
        logits = self._output(X)
        return np.asarray(self.classes_[logits.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, in the order of `classes_`: (n, classes)."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of the probabilities, (n, classes)."""
        return np.asarray(log_softmax(self._output(X), axis=1))

    def _labelled(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        loss = mlpk.Loss.of(self.loss, "loss")
        if loss.takes != "logits":
            problem = f"wanted one that takes logits, found {loss.kind}, which takes {loss.takes}"
            raise mlpk.ConfigError("loss", problem)
        x, y = self._read(X, y, reset=reset)
        check_classification_targets(y)
        return x, y

    def _numbered(self, y: Array) -> Array:
        """Return the place of each label among the classes."""
        return np.asarray(LabelEncoder().fit(self.classes_).transform(y))


def _at_least_two(labels: Any) -> Array:
    """Return the different labels, sorted."""
    classes = np.unique(labels)
    if len(classes) == 1:
        raise mlpk.DataError(
            f"y: wanted two classes or more, found one class, {classes.tolist()[0]!r}"
        )
    return classes
