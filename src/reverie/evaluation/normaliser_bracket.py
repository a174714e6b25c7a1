"""log Z between a lower bound from chains that go from the base to the model, and an upper one from chains that return.

    Z = Z_0 E w  for chains from the base,    1/Z = E (1/w) / Z_0  for chains back that begin at draws of the model

(Grosse, Ghahramani & Adams 2015, *Sandwiching the marginal likelihood using bidirectional Monte Carlo*, §3.) An
unnormalised model has no exact draws: chains settle at β = 1 before they return, and the upper bound is one as far as
they have settled. It is refused where u still drifts while they do: where the third and the last quarter of their
sweeps differ in the mean of u, or of its distance from the median, by more than 4 standard errors over the chains.

R-hat over the same sweeps asks for more than the bound needs. Where each chain has settled in its mode, and the modes'
masses are those that chains from the base find, the shares in which chains begin among the modes cancel from E 1/w (see
`annealing`, rule 4, for what is seen where they are not). A machine of 500 units on digits keeps an R-hat of 1.38 over
2,500 sweeps, without a drift, and its bracket closes.
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
from reverie.evaluation.annealing import FURTHEST, ROUNDING, backward, chosen, diagnose, forward, log_mean
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
    base, forth = forward(model, key_forward, chains, ladder)
    known = chosen(key_place, start, chains)
    back = backward(model, key_back, chains, ladder, jnp.asarray(settle), known, every_other=False, looking=True)
    up, down = (np.asarray(log_w, np.float64) + float(base) for log_w in (forth, back.log_w))
    return judged_bracket(up, down, unsettled(np.asarray(back.looks, np.float64), settle))


def unsettled(looks: np.ndarray, settle: int) -> str | None:
    """How u of the chains that settled still drifted, in words; `None` where that is not seen.

    Args:
        looks: u at times of the third and of the last quarter, [times, chains].
        settle: sweeps that the chains settled for, which the words name.
    """
    if not np.isfinite(looks).all():  # Too few sweeps to look at, or a potential of which the weights will tell.
        return None
    before, after = np.split(looks, 2)
    middle = np.median(looks)
    for told, of in ((lambda u: u, "potential"), (lambda u: abs(u - middle), "potential's spread")):
        moved = told(after).mean(axis=0) - told(before).mean(axis=0)
        drift, error = float(moved.mean()), float(moved.std(ddof=1)) / math.sqrt(moved.size)
        if abs(drift) > FURTHEST * error + ROUNDING * float(abs(looks).max()):
            return (
                f"the chains that return had not settled after {settle:,} sweeps: their {of} still moved by "
                f"{drift:.2g} ± {error:.1g} nats from the third to the last quarter: settle for longer"
            )
    return None


def judged_bracket(up: np.ndarray, down: np.ndarray, moving: str | None = None) -> Bracket:
    """The bracket of log weights of chains that went up and of chains that came down, and what speaks against it."""
    found = diagnose(up, down)
    lower = failed(found.wrong, ess=found.ess) if found.wrong else Estimate(found.log_z, found.se, "lower bound")
    if np.isfinite(down).all():
        value, se, ess = log_mean(-down)
        upper = Estimate(-value, se, "upper bound", ess=ess)
        if moving is not None:
            upper = failed(moving, ess=ess)
        elif ess < LOWEST_ESS:
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
