"""Packages in step_speed.py: the same updates, each by the package's own classes. It needs torch and the packages.

    sklearn    scikit-learn's BernoulliRBM.partial_fit: one sweep of as many particles as there are rows, plain steps
    learnergy  its RBM.fit over a data set of as many batches: k sweeps from the data (it has none that persist), plain
               steps; its fit also tells a squared error and a pseudo-likelihood
    ebmkit     its RBM or an energy, its ContrastiveDivergence with a ReplayBuffer, Adam
    torchebm   its ContrastiveDivergence with a replay buffer and its LangevinDynamics, Adam

Denormal numbers are flushed to zero in torch, which sets the thread of numpy too.

    python _package_steps.py DATA.npy CASE      answers requests, one JSON object a line: form, steps, clock
"""

import argparse
import contextlib
import importlib.metadata
import json
import sys
import time

import numpy as np
import torch
from torch import nn

UNITS, BATCH, STORE, STRIDE, MOVES, RATE = 500, 100, 10_000, 1e-3, 60, 1e-3
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
NAMES = {"sklearn": "scikit-learn", "learnergy": "learnergy", "ebmkit": "ebmkit", "torchebm": "torchebm"}


class Batches:
    """Rows in batches of one size, in a random order that begins anew once all were seen."""

    def __init__(self, rows):
        self.rows, self.order, self.at = rows, torch.randperm(len(rows)), 0

    def next(self):
        """The next batch."""
        if self.at + BATCH > len(self.order):
            self.order, self.at = torch.randperm(len(self.order)), 0
        self.at += BATCH
        return self.rows.index_select(0, self.order[self.at - BATCH : self.at])


def sklearn(case, rows):
    """Particles that persist; it has no chains from the data."""
    from sklearn.neural_network import BernoulliRBM

    machine = BernoulliRBM(n_components=UNITS, learning_rate=0.01, batch_size=BATCH, random_state=0)
    batches = Batches(rows)
    return lambda: machine.partial_fit(batches.next().numpy())


def learnergy(case, rows):
    """All steps in one call of its own loop."""
    from learnergy.models.bernoulli import RBM

    machine = RBM(n_visible=784, n_hidden=UNITS, steps=25 if case == "cd-25" else 1, learning_rate=0.01)

    def run(steps):
        places = torch.randperm(len(rows))[: steps * BATCH]
        data = torch.utils.data.TensorDataset(rows[places], torch.zeros(len(places)))
        with contextlib.redirect_stdout(sys.stderr):
            machine.fit(data, batch_size=BATCH, epochs=1)

    run.whole = True
    return run


class Energy(nn.Module):
    """784-500-500-1 with silu on top of Gaussians of twice the data's spread: −u."""

    def __init__(self, rows):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, UNITS), nn.SiLU(), nn.Linear(UNITS, UNITS), nn.SiLU(), nn.Linear(UNITS, 1)
        )
        self.register_buffer("mean", rows.mean(0))
        self.register_buffer("spread", rows.std(0, correction=0))

    def forward(self, x):
        """One number for each row."""
        z = (x - self.mean) / self.spread
        return z.square().sum(1) / 8 - self.layers(z).squeeze(1)


def updates(module, rows, loss_of):
    """Steps of Adam on what `loss_of` says of a batch."""
    optimiser, batches = torch.optim.Adam(module.parameters(), RATE), Batches(rows)

    def step():
        loss = loss_of(batches.next())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def ebmkit(case, rows):
    """Chains from the batch, from 100 particles, or from the store."""
    import ebm

    if case == "langevin":
        energy = Energy(rows)
        start = lambda shape: energy.mean + 2 * energy.spread * torch.randn(shape)
        buffer = ebm.ReplayBuffer(STORE, (784,), 0.05, start)
        learner = ebm.ContrastiveDivergence(ebm.LangevinDynamics(STRIDE / 2, MOVES), buffer)
        return updates(energy, rows, lambda x: learner(energy, x).loss)
    energy, now = ebm.nets.RBM(784, UNITS), []
    if case == "pcd-1":
        buffer = ebm.ReplayBuffer(BATCH, (784,), 0.0, lambda shape: torch.bernoulli(torch.full(shape, 0.2)))
        learner = ebm.ContrastiveDivergence(ebm.GibbsSampler(1), buffer)
    else:
        learner = ebm.ContrastiveDivergence(ebm.GibbsSampler(25), init_fn=lambda shape: now[-1])

    def loss_of(x):
        now[:] = [x]
        return learner(energy, x).loss

    return updates(energy, rows, loss_of)


def torchebm(case, rows):
    """Chains from the store."""
    from torchebm.core import BaseModel
    from torchebm.losses import ContrastiveDivergence
    from torchebm.samplers import LangevinDynamics

    class Wrapped(BaseModel):
        def __init__(self):
            super().__init__()
            self.energy = Energy(rows)

        def forward(self, x):
            return self.energy(x)

    model = Wrapped()
    sampler = LangevinDynamics(model, step_size=STRIDE / 2)
    options = {"k_steps": MOVES, "persistent": True, "buffer_size": STORE, "init_steps": 0, "energy_reg_weight": 0.0}
    learner = ContrastiveDivergence(model, sampler, **options)
    return updates(model, rows, lambda x: learner(x)[0])


HAVE = {
    "pcd-1": {"sklearn": sklearn, "learnergy": learnergy, "ebmkit": ebmkit},
    "cd-25": {"learnergy": learnergy, "ebmkit": ebmkit},
    "langevin": {"ebmkit": ebmkit, "torchebm": torchebm},
}


def run(step, steps, clock):
    """Seconds for so many steps."""
    began = CLOCKS[clock]()
    if getattr(step, "whole", False):
        step(steps)
    else:
        for _ in range(steps):
            step()
    return CLOCKS[clock]() - began


def main() -> None:
    """Answer requests until there are no more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("case")
    given = parser.parse_args()
    torch.manual_seed(0)
    flushed = torch.set_flush_denormal(True)
    rows = torch.from_numpy(np.load(given.rows)).float()
    made = {}
    versions = {}
    for form, name in NAMES.items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[form] = importlib.metadata.version(name)
    forms = [form for form in HAVE.get(given.case, {}) if form in versions]
    told = {"versions": versions, "forms": forms, "threads": torch.get_num_threads(), "flushed": flushed}
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        form = asked["form"]
        try:
            if form not in made:
                made[form] = HAVE[given.case][form](given.case, rows)
            answer = {"seconds": run(made[form], asked["steps"], asked["clock"]), "figure": None}
        except Exception as error:  # The other side must hear of it, whatever it is.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
