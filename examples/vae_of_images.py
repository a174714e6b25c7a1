"""Variational autoencoders of the digits: who draws, who reads and which family q(h | x) is of, chosen one by one.

A VAE's decoder is a perceptron or convolutions; what reads a picture for the posterior is chosen beside it, and so is
the posterior's family. Each choice is one word, and all of them go with the same learner.

    python examples/vae_of_images.py

REVERIE_EXAMPLE_BUDGET is the most time that one fit may take.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

import reverie as rv
from reverie.parts import Part

budget = os.environ.get("REVERIE_EXAMPLE_BUDGET", "10s")
data = rv.data.load("digits", binarize=True)

perceptron = rv.models.VAE(latent=8)
convolutions = rv.models.VAE(latent=8, network="conv", channels=(32, 16))
choices: list[tuple[str, Part, Part]] = [
    ("perceptrons, Gaussian", perceptron, rv.inference.GaussianPosterior()),
    ("read by convolutions", perceptron, rv.inference.GaussianPosterior(reader="conv")),
    # With no reader named, a posterior reads as the model draws: here by convolutions.
    ("drawn by them too", convolutions, rv.inference.GaussianPosterior()),
    ("and a flow for q(h | x)", convolutions, rv.inference.InverseAutoregressivePosterior(layers=2)),
]

with tempfile.TemporaryDirectory() as folder:
    for place, (what, model, posterior) in enumerate(choices):
        run = rv.fit(
            data,
            model,
            rv.learners.ELBO(),
            parts={"inference": posterior},
            steps=2000,
            budget=budget,
            learning_rate=2e-3,
            patience=None,
            out=Path(folder) / str(place),
            pictures=False,
        )
        # A lower bound on the log-likelihood from 1,000 weighted codes a row; higher is better.
        print(f"{what:>24}  {run.step:>5} steps  {run.log_likelihood}")

    # From a row to its code and back again. The model was shown pixels above 7 as ones.
    rows = data.test.raw[:200]
    same = np.mean(run.reconstruct(rows) == (rows > 7))
    print(f"\n{same:.1%} of the pixels of held-out digits come back as they were")
