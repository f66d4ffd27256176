"""What is called otherwise elsewhere: the names of other frameworks, and what to write here.

An entry is a hint for an unknown name, never another spelling of a known one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

__all__ = ["FIELDS", "KINDS", "REMEDIES", "field_hint", "kind_hint"]

# A field elsewhere, and those that it may be here, whichever of them a kind has.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "learning_rate": ("lr",),
    "initial_learning_rate": ("lr",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "epsilon": ("eps",),
    "momentum": ("mu",),
    "clipnorm": ("clip_norm",),
    "clipvalue": ("clip_value",),
    "kernel_initializer": ("init",),
    "embeddings_initializer": ("init",),
    "weight_init": ("init",),
    "recurrent_initializer": ("recurrent_init",),
    "use_bias": ("bias",),
    "input_dim": ("entries",),
    "num_embeddings": ("entries",),
    "vocab_size": ("entries",),
    "output_dim": ("units",),
    "embedding_dim": ("units",),
    "out_features": ("units",),
    "hidden_size": ("units",),
    "out_channels": ("filters",),
    "pool_size": ("kernel_size",),
    "stride": ("strides",),
    "dilation_rate": ("dilation",),
    "p": ("rate",),
    "alpha": ("slope",),
    "negative_slope": ("slope",),
    "num_groups": ("groups",),
    "target_shape": ("shape",),
    "scale_factor": ("size",),
    "dims": ("axes",),
    "stddev": ("std",),
    "decay_steps": ("steps", "every"),
    "step_size": ("every",),
    "decay_rate": ("factor",),
    "decay": ("rho",),
}

# A field that no kind of a family has (`*`), or not this one, and how its effect is had here: a
# sentence, with the family and the kind that it relies on.
REMEDIES: Final[dict[tuple[str, str, str], tuple[str, str, str]]] = {
    ("optimizers", "sgd", "momentum"): (
        "That is an optimizer of its own, 'momentum'.", "optimizers", "momentum",
    ),
    ("optimizers", "sgd", "nesterov"): (
        "Write the optimizer 'momentum' with nesterov=True.", "optimizers", "momentum",
    ),
    ("optimizers", "adam", "weight_decay"): (
        "That is an optimizer of its own, 'adamw'.", "optimizers", "adamw",
    ),
    ("optimizers", "sgd", "weight_decay"): (
        "Write fit(regularizer={'kind': 'l2', 'l2': ...}).", "regularizers", "l2",
    ),
    ("layers", "*", "activation"): (
        "An activation is a layer of its own, such as 'relu' behind this one.", "layers", "relu",
    ),
    ("layers", "*", "kernel_regularizer"): (
        "Weights are penalised in the whole network: fit(regularizer={'kind': 'l2', 'l2': ...}).",
        "regularizers", "l2",
    ),
    ("layers", "*", "input_shape"): (
        "It is the network's: mlpk.Model([...], input_shape=...).", "layers", "dense",
    ),
    ("layers", "*", "name"): (
        "A name is the node's: write .named('...') behind the layer, or layer(x, name='...').",
        "layers", "dense",
    ),
}  # fmt: skip

# A kind elsewhere, by family.
KINDS: Final[dict[str, dict[str, str]]] = {
    "layers": {
        "linear": "dense",
        "fully_connected": "dense",
        "fc": "dense",
        "maxpooling": "max_pool2d",
        "maxpooling1d": "max_pool1d",
        "maxpooling2d": "max_pool2d",
        "max_pooling2d": "max_pool2d",
        "avgpool2d": "average_pool2d",
        "avg_pool2d": "average_pool2d",
        "averagepooling2d": "average_pool2d",
        "average_pooling2d": "average_pool2d",
        "batchnorm": "batch_norm",
        "batchnorm1d": "batch_norm",
        "batchnorm2d": "batch_norm",
        "batchnormalization": "batch_norm",
        "batch_normalization": "batch_norm",
        "layernorm": "layer_norm",
        "layernormalization": "layer_norm",
        "groupnorm": "group_norm",
        "rmsnorm": "rms_norm",
        "conv": "conv2d",
        "convolution2d": "conv2d",
        "conv_transpose2d": "conv2d_transpose",
        "convtranspose2d": "conv2d_transpose",
        "leakyrelu": "leaky_relu",
        "swish": "silu",
        "rnn": "simple_rnn",
        "repeat_vector": "repeat",
        "dropout2d": "spatial_dropout",
        "concat": "concatenate",
    },
    "losses": {
        "mse": "mean_squared_error",
        "l2": "mean_squared_error",
        "mae": "mean_absolute_error",
        "l1": "mean_absolute_error",
        "bce": "binary_cross_entropy",
        "binary_crossentropy": "binary_cross_entropy",
        "bce_with_logits": "binary_cross_entropy",
        "categorical_crossentropy": "softmax_cross_entropy",
        "sparse_categorical_crossentropy": "softmax_cross_entropy",
        "crossentropy": "softmax_cross_entropy",
        "nll": "cross_entropy",
        "kld": "kl_divergence",
        "kl_div": "kl_divergence",
        "smooth_l1": "huber",
    },
    "metrics": {
        "acc": "accuracy",
        "categorical_accuracy": "accuracy",
        "sparse_categorical_accuracy": "accuracy",
        "binary_accuracy": "accuracy",
        "top_5_accuracy": "top_k_accuracy",
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "auc": "roc_auc",
        "f1_score": "f1",
        "r2_score": "r2",
    },
    "initializers": {
        "xavier": "glorot_uniform",
        "xavier_uniform": "glorot_uniform",
        "xavier_normal": "glorot_normal",
        "kaiming_uniform": "he_uniform",
        "kaiming_normal": "he_normal",
        "random_normal": "normal",
        "random_uniform": "uniform",
    },
    "schedules": {
        "cosine_annealing": "cosine",
        "cosine_decay": "cosine",
        "exponential_decay": "exponential",
        "step_decay": "step",
        "linear_warmup": "warmup",
    },
    "regularizers": {"weight_decay": "l2", "lasso": "l1", "ridge": "l2"},
    "callbacks": {
        "model_checkpoint": "checkpoint",
        "ema": "moving_average",
        "swa": "moving_average",
        "reduce_lr_on_plateau": "reduce_on_plateau",
    },
}


def field_hint(family: str, kind: str, name: str, known: Collection[str]) -> str:
    """Return " Did you mean 'lr'?", or another hint, for a field that a kind does not have; or ""."""
    for key in ((family, kind, name), (family, "*", name)):
        if key in REMEDIES:
            return f" {REMEDIES[key][0]}"
    for field in FIELDS.get(name, ()):
        if field in known:
            return f" Did you mean '{field}'?"
    return ""


def kind_hint(family: str, name: str, known: Collection[str]) -> str:
    """Return " Did you mean 'dense'?" for the kind that other frameworks call `name`; or ""."""
    kind = KINDS.get(family, {}).get(name.lower())
    return f" Did you mean '{kind}'?" if kind in known else ""
