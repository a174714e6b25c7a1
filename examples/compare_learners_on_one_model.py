"""One model, three learners: a sigmoid belief net on binarised digits by wake-sleep, RWS and JSA.

The model says what the distribution is; the learners differ in what they draw and which way they move. All three run
through the same loop, on the same rows, for as many steps, and are compared by the same bound on held-out rows.

    python examples/compare_learners_on_one_model.py

REVERIE_EXAMPLE_BUDGET is the most time that one fit may take.
"""

import os
import tempfile
from pathlib import Path

import reverie as rv

budget = os.environ.get("REVERIE_EXAMPLE_BUDGET", "10s")

# The digits are 8×8 pictures with pixels 0..16; a pixel above half of that is a one.
data = rv.data.load("digits", binarize=True)
model = rv.models.SigmoidBeliefNet((50,))
learners = [rv.learners.WakeSleep(), rv.learners.ReweightedWakeSleep(k=5), rv.learners.JSA(moves=5)]

print(f"{data.name}: {len(data.train)} rows to learn from, {len(data.test)} to report on; {data.measure.reference}")
with tempfile.TemporaryDirectory() as folder:
    for learner in learners:
        run = rv.fit(
            data,
            model,
            learner,
            steps=3000,
            budget=budget,
            learning_rate=3e-3,
            patience=None,
            out=Path(folder) / learner.name,
            pictures=False,
        )
        # A lower bound on the log-likelihood from 1,000 weighted codes a row; higher is better.
        print(f"{learner.name:>12}  {run.step:>6} steps  {run.log_likelihood}")

    print("\nwhat is drawn, and which parts move:")
    for learner in learners:
        print(f"{learner.name:>12}  {', '.join(learner.sampler.gives):<14}  {', '.join(learner.direction.moves)}")
