"""A learner of your own, assembled from a sampler and directions that are there already.

Joint stochastic approximation keeps a Markov chain of codes for each row and fits both the model and the inference
model to them. Wake-sleep fits the inference model to the model's dreams. Here is what lies between: the model learns
from the chain, the inference model from dreams. Nothing else has to be written, and the loop does not change.

    python examples/write_a_learner.py

REVERIE_EXAMPLE_BUDGET is the most time that one fit may take.
"""

import os
import tempfile
from pathlib import Path

import reverie as rv
from reverie.capabilities import HasJointSample, HasLogJoint, HasPosterior
from reverie.directions import Fisher, InclusiveFromDreams
from reverie.directions.direction import Join
from reverie.learners.learner import Learner, named
from reverie.samplers import Dream, MetropolisIndependence, Together


@named("chain-and-dreams")
def ChainAndDreams(moves: int = 5) -> Learner:
    """The model up the score of a chain's codes, the inference model up log q on dreams.

    Args:
        moves: proposals for each row and step.
    """
    return Learner(
        reference="this example",
        sampler=Together((MetropolisIndependence(moves), Dream())),
        direction=Join((Fisher(), InclusiveFromDreams())),
        requires={"model": (HasLogJoint, HasJointSample), "inference": (HasPosterior,)},
    )


# `named` put it into the registry: it is in the matrix, is found by its name, and is refused where it does not fit.
fitting = [pair.model for pair in rv.pairs().pairs if pair.learner == "chain-and-dreams" and pair.fits]
print(f"chain-and-dreams fits: {', '.join(fitting)}")
try:
    rv.fit("moons", "realnvp", "chain-and-dreams", steps=1)
except rv.InputError as refusal:
    print(f"refused: {refusal}\n")

budget = os.environ.get("REVERIE_EXAMPLE_BUDGET", "10s")
data = rv.data.load("digits", binarize=True)
with tempfile.TemporaryDirectory() as folder:
    for learner in (ChainAndDreams(), rv.learners.JSA()):
        run = rv.fit(
            data,
            rv.models.SigmoidBeliefNet((50,)),
            learner,
            steps=3000,
            budget=budget,
            learning_rate=3e-3,
            patience=None,
            out=Path(folder) / learner.name,
            pictures=False,
        )
        print(f"{learner.name:>16}  {run.step:>6} steps  {run.log_likelihood}")
