"""The initializers that come with mlpk."""

from mlpk import Initializer, hookimpl
from mlpk_plugins.initializers.constant import Constant
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.initializers.glorot_normal import GlorotNormal
from mlpk_plugins.initializers.glorot_uniform import GlorotUniform
from mlpk_plugins.initializers.he_normal import HeNormal
from mlpk_plugins.initializers.he_uniform import HeUniform
from mlpk_plugins.initializers.lecun_normal import LecunNormal
from mlpk_plugins.initializers.lecun_uniform import LecunUniform
from mlpk_plugins.initializers.normal import Normal
from mlpk_plugins.initializers.ones import Ones
from mlpk_plugins.initializers.orthogonal import Orthogonal
from mlpk_plugins.initializers.uniform import Uniform
from mlpk_plugins.initializers.zeros import Zeros


@hookimpl
def mlpk_initializers() -> list[type[Initializer]]:
    """Return the initializers."""
    return [
        Constant,
        GateConstant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        LecunNormal,
        LecunUniform,
        Normal,
        Ones,
        Orthogonal,
        Uniform,
        Zeros,
    ]
