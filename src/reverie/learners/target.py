"""What a learner's direction estimates, part by part."""

from typing import Literal, NamedTuple

Objective = Literal["elbo", "bound", "likelihood", "dreams"]
Claim = Literal["unbiased", "asymptotic", "scaled", "biased"]


class Target(NamedTuple):
    """The gradient that a direction estimates for one part, and what it claims to be for it.

        elbo         ∇ E_q [log p(x, h) − log q(h | x)]
        bound        ∇ E log 1/K Σ_k w_k,  w_k = p(x, h_k) / q(h_k | x)
        likelihood   of θ: ∇ log p(x);  of φ: ∇ E_{p(h|x)} log q(h | x), down the inclusive divergence
        dreams       of φ: ∇ E_{p(x,h)} log q(h | x), down the same divergence on the model's own rows

    Attributes:
        objective: which.
        k: K of the bound.
        claim: `unbiased`: that gradient is its mean. `asymptotic`: it is, once a chain has forgotten where it began.
            `scaled`: it is up to positive factors, of each layer its own, that owe nothing to the step's draws.
            `biased`: it is not.
    """

    objective: Objective
    k: int = 1
    claim: Claim = "unbiased"

    def same(self, other: "Target") -> bool:
        """Whether both are estimates of one gradient, whatever they claim."""
        return (self.objective, self.k) == (other.objective, other.k)

    @property
    def words(self) -> str:
        """For tables."""
        return f"bound of {self.k}" if self.objective == "bound" else self.objective


def bound(k: int) -> Target:
    """The K-sample bound; that of one sample is the evidence lower bound."""
    return Target("bound", k) if k > 1 else Target("elbo")


def both(target: Target) -> dict[str, Target]:
    """One target for the model and the inference model."""
    return {"model": target, "inference": target}
