"""log Z between a lower bound from chains that go from the base to the model, and an upper one from chains that return.

    Z = Z_0 E w  for chains from the base,    1/Z = E (1/w) / Z_0  for chains back that begin at draws of the model

(Grosse, Ghahramani & Adams 2015, *Sandwiching the marginal likelihood using bidirectional Monte Carlo*, §3.) An
unnormalised model has no exact draws: chains settle at β = 1 before they return, and the upper bound is one as far as
they have settled.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from reverie import noise
from reverie.capabilities import HasTempering, whole_of
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.annealing import backward, chosen, diagnose, forward, log_mean
from reverie.evaluation.annealing_codes import Bracket
from reverie.evaluation.ladder import placed
from reverie.evaluation.normaliser import FEWEST_CHAINS

TOO_WIDE, CROSSED = 1.0, 4.0
"""Nats of a bracket that has not closed, and errors by which a lower bound may lie above the upper one."""
LOWEST_ESS = 4.0


def normaliser_bracket(
    model: Any,
    *,
    start: PyTree = None,
    seed: int = 0,
    chains: int = 256,
    temperatures: int = 1000,
    settle: int = 1000,
) -> Bracket:
    """Bounds on log Z; failed, with the reason, where the bracket does not close or its ends have changed places.

    Args:
        model: a filled model that `HasTempering`, or is part of one that does.
        start: states [n, …] of that one, rows as it sees them or all of its layers, from which the chains that return
            begin, such as a learner's particles; scattered where not given.
        seed: of the chains.
        chains: how many go each way.
        temperatures: steps between the base and the model.
        settle: sweeps at β = 1 before chains return.

    Example:
        >>> import numpy as np
        >>> from reverie.models import RBM
        >>> rbm = RBM.from_arrays(weights=np.zeros((3, 2)), visible_bias=np.zeros(3), hidden_bias=np.zeros(2))
        >>> found = normaliser_bracket(rbm, temperatures=2)
        >>> round(found.lower.value, 4), round(found.upper.value, 4)  # 5 log 2
        (3.4657, 3.4657)
    """
    name = type(model).__name__
    model = whole_of(model)
    if not isinstance(model, HasTempering):
        raise InputError(f"{name} has no log Z to bracket: that needs HasTempering")
    if chains < FEWEST_CHAINS or temperatures < 1 or settle < 0:
        raise InputError(
            f"a bracket needs at least {FEWEST_CHAINS} chains, 1 temperature and settle >= 0, not {chains}, "
            f"{temperatures} and {settle}"
        )
    key_forward, key_back, key_place, key_pilot = jax.random.split(noise.make_key(seed), 4)
    ladder = placed(model, key_pilot, chains, temperatures)
    base, up = forward(model, key_forward, chains, ladder)
    down = backward(model, key_back, chains, ladder, jnp.asarray(settle), chosen(key_place, start, chains))
    return judged_bracket(*(np.asarray(log_w, np.float64) + float(base) for log_w in (up, down)))


def judged_bracket(up: np.ndarray, down: np.ndarray) -> Bracket:
    """The bracket of log weights of chains that went up and of chains that came down, and what speaks against it."""
    found = diagnose(up, down)
    lower = failed(found.wrong, ess=found.ess) if found.wrong else Estimate(found.log_z, found.se, "lower bound")
    if np.isfinite(down).all():
        value, se, ess = log_mean(-down)
        upper = Estimate(-value, se, "upper bound", ess=ess)
        if ess < LOWEST_ESS:
            upper = failed(f"the weights of chains that returned collapsed (ESS {ess:.1f} of {down.size})", ess=ess)
    else:
        upper = failed("weights of chains that returned are not finite")
    broken = next((one for one in (lower, upper) if one.failed), None)
    if broken is not None:
        return Bracket(lower, upper, failed("; ".join(broken.warnings)))
    gap, error = upper.value - lower.value, math.hypot(lower.se, upper.se)
    if gap < -CROSSED * error:
        return Bracket(lower, upper, failed(f"the bounds on log Z have changed places, by {-gap:.2f} nats"))
    if gap > TOO_WIDE:
        return Bracket(lower, upper, failed(f"the bracket of log Z is {gap:.2f} nats wide: anneal more slowly"))
    return Bracket(lower, upper, Estimate(gap, error, "upper bound"))
