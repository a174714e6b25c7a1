"""Three models of the same two-dimensional data: a flow, a mixture and a generator, drawn side by side.

The flow and the mixture have densities: they are compared by log-likelihood, exact in both. The generator has draws
only: it is compared by a two-sample figure, which all three have. The picture goes to runs/.

    python examples/density_in_two_dimensions.py

REVERIE_EXAMPLE_BUDGET is the most time that one fit may take.
"""

import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import reverie as rv
from reverie.parts import Part

budget = os.environ.get("REVERIE_EXAMPLE_BUDGET", "10s")
pairs: list[tuple[Part, rv.learners.Learner, int]] = [
    (rv.models.RealNVP(layers=6), rv.learners.MaximumLikelihood(), 1500),
    (rv.models.GaussianMixture(count=12), rv.learners.EM(), 50),
    (rv.models.Generator(latent=2), rv.learners.GAN(), 4000),
]

data = rv.data.load("moons")
low, high = data.train.raw.min(axis=0) - 0.5, data.train.raw.max(axis=0) + 0.5
across, up = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 80))
grid = np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32)

figure, panels = plt.subplots(1, len(pairs), figsize=(4 * len(pairs), 3.2), sharex=True, sharey=True)
with tempfile.TemporaryDirectory() as folder:
    for (model, learner, steps), panel in zip(pairs, panels, strict=True):
        out = Path(folder) / learner.name
        run = rv.fit(data, model, learner, steps=steps, budget=budget, out=out, pictures=False)
        found = rv.evaluate(run, data.test)
        print(f"{run.model:>16} by {run.learner:<4} {run.step:>6} steps")
        print(f"                 log-likelihood  {found.log_likelihood or 'none: it has draws only'}")
        if found.two_sample is not None:
            print(f"                 MMD²            {found.two_sample.mmd2}")
        drawn = run.sample(len(data.test), seed=1)
        if found.log_likelihood is not None:
            density = np.exp(run.score(grid).values).reshape(across.shape)
            panel.contourf(across, up, density, levels=20, cmap="Greys")
        panel.scatter(*data.test.raw.T, s=4, color="tab:orange", label="held-out rows")
        panel.scatter(*drawn.T, s=4, color="tab:blue", alpha=0.6, label="draws")
        panel.set_title(f"{run.model} by {run.learner}")
panels[0].legend(loc="lower left", fontsize="small")
picture = Path("runs") / "density_in_two_dimensions.png"
picture.parent.mkdir(exist_ok=True)
figure.savefig(picture, dpi=150, bbox_inches="tight")
print(f"\n{picture}")
