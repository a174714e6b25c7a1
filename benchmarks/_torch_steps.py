"""The other side of step_speed.py: the same learners in PyTorch by hand, in three forms. It needs torch and numpy only.

    eager      autograd and `torch.optim.Adam`
    fused      the same with the fused Adam; gradients that are easily written down are, and autograd is left out
    compiled   the objective under `torch.compile`, and the fused Adam

REBAR and RELAX ask for a gradient of a gradient, which is what `torch.func` is for; their gradients are functions in
all three forms.

Codes of one draw are weighed and differentiated in one pass, batches are looked up in one tensor, nothing is sent back
to Python within a step, and denormal numbers are flushed to zero (`--denormals` keeps them).

    python _torch_steps.py DATA.npy CASE      answers requests, one JSON object a line: form, steps, clock
"""

import argparse
import json
import math
import sys
import time

import numpy as np
import torch
from torch.nn import functional

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
CASES = {}
BY_HAND = {}
GRADIENTS = {}
KEPT = {}
K, HIDDEN, LATENT, WIDTH, RATE, DECAY = 10, 200, 50, 200, 1e-3, 0.8
UNITS, STORE, STRIDE = 500, 10_000, 1e-3
SMALLEST = 1e-7


class Form:
    """Parameters, what a learner keeps between steps, and an optimiser."""

    def __init__(self, case, form, rows, seed=0):
        torch.manual_seed(seed)
        self.objective, parameters, self.batch = CASES[case]
        self.rows, self.form = rows, form
        self.p = {name: value.requires_grad_() for name, value in parameters(rows).items()}
        self.kept = {"codes": None, "visited": None, "mean": torch.zeros(()), "variance": torch.zeros(())}
        self.kept |= KEPT[case](rows) if case in KEPT else {}
        self.optimiser = torch.optim.Adam(self.p.values(), RATE, fused=form != "eager")
        self.by_hand = GRADIENTS.get(case, BY_HAND.get(case) if form == "fused" else None)
        self.order, self.at = torch.randperm(len(rows)), 0
        if form == "compiled" and "move" in self.kept:  # Sixty moves in one program take minutes to compile.
            self.kept["move"] = torch.compile(self.kept["move"], dynamic=False)
        elif form == "compiled" and self.by_hand is not None:
            self.by_hand = torch.compile(self.by_hand, dynamic=False)
        elif form == "compiled":
            self.objective = torch.compile(self.objective, dynamic=False)

    def next(self):
        """The numbers of the next batch's rows."""
        if self.at + self.batch > len(self.order):
            self.order, self.at = torch.randperm(len(self.order)), 0
        self.at += self.batch
        return self.order[self.at - self.batch : self.at]

    def step(self):
        """One step; a figure for people."""
        index = self.next()
        x = self.rows.index_select(0, index)
        if self.by_hand is not None:
            with torch.no_grad():
                gradients, figure = self.by_hand(self.p, x, index, self.kept)
                for name, gradient in gradients.items():
                    self.p[name].grad = gradient
        else:
            loss, figure = self.objective(self.p, x, index, self.kept)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
        self.optimiser.step()
        return figure

    def run(self, steps, clock):
        """Seconds for so many steps, and the mean figure of the last ones."""
        total = torch.zeros(())
        began = CLOCKS[clock]()
        for _ in range(steps):
            total += self.step().detach()
        return CLOCKS[clock]() - began, float(total) / steps


def glorot(inputs, outputs):
    """Uniform weights, input first."""
    return torch.empty(inputs, outputs).uniform_(-1, 1) * math.sqrt(6 / (inputs + outputs))


def log_odds(rows):
    """A starting value for the bias of a visible bit."""
    mean = rows.mean(0).clamp(0.01, 0.99)
    return mean.log() - (1 - mean).log()


def case(name, parameters, batch=100):
    """Name an objective: (parameters, x, index, kept) -> what to descend, a figure."""

    def register(objective):
        CASES[name] = objective, parameters, batch
        return objective

    return register


def by_hand(name):
    """Name gradients written by hand: (parameters, x, index, kept) -> gradients of what to descend, a figure."""

    def register(gradients):
        BY_HAND[name] = gradients
        return gradients

    return register


# The variational autoencoder 784-200-200-50.


def vae(rows):
    """Two perceptrons."""
    sizes = {"e0": (784, WIDTH), "e1": (WIDTH, WIDTH), "e2": (WIDTH, 2 * LATENT)}
    sizes |= {"d0": (LATENT, WIDTH), "d1": (WIDTH, WIDTH), "d2": (WIDTH, 784)}
    weights = {name: glorot(*size) for name, size in sizes.items()}
    return weights | {f"{name}b": torch.zeros(size[1]) for name, size in sizes.items()} | {"d2b": log_odds(rows)}


def perceptron(p, side, x):
    """tanh between the layers."""
    x = torch.tanh(torch.addmm(p[f"{side}0b"], x, p[f"{side}0"]))
    x = torch.tanh(torch.addmm(p[f"{side}1b"], x, p[f"{side}1"]))
    return torch.addmm(p[f"{side}2b"], x, p[f"{side}2"])


@case("vae", vae)
def elbo(p, x, index, kept):
    """The bound with its divergence in closed form."""
    mean, log_scale = perceptron(p, "e", x).chunk(2, 1)
    scale = log_scale.exp()
    logits = perceptron(p, "d", mean + scale * torch.randn_like(mean))
    fit = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = 0.5 * (mean.square() + scale.square() - 1).sum() - log_scale.sum()
    loss = (fit + divergence) / len(x)
    return loss, -loss.detach()


@case("iwae", vae, batch=20)
def iwae(p, x, index, kept):
    """The bound of 50 samples."""
    k, n = 50, len(x)
    mean, log_scale = perceptron(p, "e", x).chunk(2, 1)
    noise = torch.randn(k, n, LATENT)
    z = mean + log_scale.exp() * noise
    logits = perceptron(p, "d", z.view(k * n, LATENT)).view(k, n, 784)
    log_w = log_bits(logits, x) + 0.5 * (noise.square() - z.square()).sum(-1) + log_scale.sum(-1)
    loss = -(log_w.logsumexp(0) - math.log(k)).mean()
    return loss, -loss.detach()


# The sigmoid belief net of 200 units, affine, and its inference model.


def sbn(rows):
    """Both ways."""
    return {
        "W": glorot(HIDDEN, 784),
        "b": log_odds(rows),
        "top": torch.zeros(HIDDEN),
        "R": glorot(784, HIDDEN),
        "c": torch.zeros(HIDDEN),
    }


def sbn_with_baseline(rows):
    """The same, and a perceptron 784-100-1."""
    return sbn(rows) | {"v0": glorot(784, 100), "v0b": torch.zeros(100), "v1": glorot(100, 1), "v1b": torch.zeros(1)}


def baseline(p, x):
    """C(x)."""
    return torch.addmm(p["v1b"], torch.tanh(torch.addmm(p["v0b"], x, p["v0"])), p["v1"]).squeeze(1)


def log_bits(logits, x):
    """The log-probability of bits at logits."""
    return -functional.softplus(logits * (1 - 2 * x)).sum(-1)


def log_code(logits, h):
    """The same of codes, [count, batch, size], at shared logits; linear in a relaxed code."""
    return (h * logits).sum(-1) - functional.softplus(logits).sum(-1)


def log_joint(p, x, h):
    """log p(x, h) of codes [count, batch, size]."""
    count, n, size = h.shape
    logits = torch.addmm(p["b"], h.reshape(count * n, size), p["W"]).view(count, n, 784)
    return log_code(p["top"], h) + log_bits(logits, x)


def codes(p, x, count=K):
    """Draws of q, and its logits."""
    a = torch.addmm(p["c"], x, p["R"])
    with torch.no_grad():
        h = (torch.rand(count, len(x), HIDDEN) < torch.sigmoid(a)).float()
    return h, a


def weighed(p, x, h, a, weigh):
    """Σ_k u_k log p + v_k log q, u and v made of log w; and the two log-densities."""
    log_p, log_q = log_joint(p, x, h), log_code(a, h)
    with torch.no_grad():
        log_w = log_p - log_q
        u, v = weigh(log_w)
    return -(u * log_p + v * log_q).sum(0).mean(), log_w


def bound(log_w):
    """log 1/K Σ_k w_k, averaged over the batch."""
    return (log_w.logsumexp(0) - math.log(len(log_w))).mean()


def both(log_w):
    """The weights of reweighted wake-sleep."""
    weight = log_w.softmax(0)
    return weight, weight


def vimco_weights(log_w):
    """The signals of VIMCO; for θ the normalised weights."""
    k = len(log_w)
    others = (log_w.sum(0) - log_w) / (k - 1)
    without = torch.where(torch.eye(k, dtype=torch.bool)[:, :, None], others[:, None], log_w).logsumexp(1)
    weight = log_w.softmax(0)
    return weight, log_w.logsumexp(0) - without - weight


def reinforce_weights(log_w):
    """f itself."""
    return torch.full_like(log_w, 1 / len(log_w)), log_w / len(log_w)


def _simple(name, weigh):
    @case(name, sbn)
    def objective(p, x, index, kept):
        """Codes of q, weighed."""
        loss, log_w = weighed(p, x, *codes(p, x), weigh)
        return loss, bound(log_w)

    @by_hand(name)
    def gradients(p, x, index, kept):
        """The same without autograd."""
        h, a = codes(p, x)
        logits = torch.addmm(p["b"], h.view(-1, HIDDEN), p["W"]).view(len(h), *x.shape)
        u, v, log_w = weights(p, x, h, a, logits, weigh)
        return sbn_gradients(p, x, h, a, logits, u, v), bound(log_w)


def weights(p, x, h, a, logits, weigh):
    """What `weigh` makes of log w."""
    log_w = log_code(p["top"], h) + log_bits(logits, x) - log_code(a, h)
    return *weigh(log_w), log_w


def sbn_gradients(p, x, h, a, logits, u, v):
    """Of −Σ_k u_k log p(x, h_k) + v_k log q(h_k | x), averaged over the batch; the logits are used up."""
    flat, n = h.view(-1, HIDDEN), len(x)
    u, v = u / n, v / n
    d = logits.sigmoid_().sub_(x).mul_(u[..., None]).view(-1, 784)
    da = v.sum(0)[:, None] * torch.sigmoid(a) - (v[..., None] * h).sum(0)
    dtop = u.sum() * torch.sigmoid(p["top"]) - u.view(-1) @ flat
    return {"W": flat.t() @ d, "b": d.sum(0), "top": dtop, "R": x.t() @ da, "c": da.sum(0)}


_simple("rws", both)
_simple("vimco", vimco_weights)
_simple("reinforce", reinforce_weights)


def dreams(p, n):
    """Pairs of the model."""
    h = (torch.rand(n, HIDDEN) < torch.sigmoid(p["top"])).float()
    return h, (torch.rand(n, 784) < torch.sigmoid(torch.addmm(p["b"], h, p["W"]))).float()


@case("wake-sleep", sbn)
def wake_sleep(p, x, index, kept):
    """One code of the data for θ, a dream for φ."""
    h, a = codes(p, x, 1)
    log_p = log_joint(p, x, h)
    with torch.no_grad():
        dream_h, dream_x = dreams(p, len(x))
    log_q = log_code(torch.addmm(p["c"], dream_x, p["R"]), dream_h)
    return -(log_p.mean() + log_q.mean()), (log_p - log_code(a, h)).detach().mean()


@by_hand("wake-sleep")
def wake_sleep_gradients(p, x, index, kept):
    """The same without autograd."""
    h, a = codes(p, x, 1)
    h = h[0]
    logits = torch.addmm(p["b"], h, p["W"])
    figure = (log_code(p["top"], h) + log_bits(logits, x) - log_code(a, h)).mean()
    n = len(x)
    d = logits.sigmoid_().sub_(x).div_(n)
    dtop = torch.sigmoid(p["top"]) - h.mean(0)
    dream_h, dream_x = dreams(p, n)
    da = torch.sigmoid(torch.addmm(p["c"], dream_x, p["R"])).sub_(dream_h).div_(n)
    return {"W": h.t() @ d, "b": d.sum(0), "top": dtop, "R": dream_x.t() @ da, "c": da.sum(0)}, figure


def accepted(log_w, visited):
    """The weights of the states of the Metropolis chain, the kept code first, and the last state's place."""
    moves = len(log_w) - 1
    log_u = torch.rand(moves, log_w.shape[1]).log()
    here = torch.where(visited, log_w[0], torch.full_like(log_w[0], -math.inf))
    place = torch.zeros(log_w.shape[1], dtype=torch.int64)
    places = []
    for i in range(moves):
        accept = log_u[i] + here < log_w[i + 1]
        here = torch.where(accept, log_w[i + 1], here)
        place = torch.where(accept, i + 1, place)
        places.append(place)
    share = torch.full((moves, log_w.shape[1]), 1 / moves)
    return torch.zeros_like(log_w).scatter_add(0, torch.stack(places), share), place


KEPT["jsa"] = lambda rows: {
    "codes": torch.zeros(len(rows), HIDDEN),
    "visited": torch.zeros(len(rows), dtype=torch.bool),
}


@case("jsa", sbn)
def jsa(p, x, index, kept):
    """Ten moves for each row, from the code that it keeps."""
    h, a = codes(p, x)
    h = torch.cat([kept["codes"][index][None], h])
    last = []

    def weigh(log_w):
        weight, place = accepted(log_w, kept["visited"][index])
        last.append(place)
        return weight, weight

    loss, log_w = weighed(p, x, h, a, weigh)
    keep(kept, index, h, last[0])
    return loss, bound(log_w[1:])


def keep(kept, index, h, place):
    """Store each row's last state."""
    kept["codes"].index_copy_(0, index, h[place, torch.arange(len(index))])
    kept["visited"].index_fill_(0, index, True)


@by_hand("jsa")
def jsa_gradients(p, x, index, kept):
    """The same without autograd."""
    h, a = codes(p, x)
    h = torch.cat([kept["codes"][index][None], h])
    logits = torch.addmm(p["b"], h.view(-1, HIDDEN), p["W"]).view(len(h), *x.shape)
    log_w = log_code(p["top"], h) + log_bits(logits, x) - log_code(a, h)
    weight, place = accepted(log_w, kept["visited"][index])
    keep(kept, index, h, place)
    return sbn_gradients(p, x, h, a, logits, weight, weight), bound(log_w[1:])


def centre(kept, signal):
    """The running mean and variance of a learning signal, moved."""
    kept["mean"].copy_(kept["mean"] + (1 - DECAY) * signal.mean())
    kept["variance"].copy_(DECAY * kept["variance"] + (1 - DECAY) * signal.var(unbiased=False))


@case("nvil", sbn_with_baseline)
def nvil(p, x, index, kept):
    """A centred and scaled signal with a learned baseline."""
    h, a = codes(p, x)
    log_p, log_q = log_joint(p, x, h), log_code(a, h)
    log_w = (log_p - log_q).detach()
    rest = log_w - baseline(p, x) - kept["mean"]
    pull = rest.detach() / kept["variance"].sqrt().clamp(min=1)
    loss = -(log_p + pull * log_q - 0.5 * rest.square()).mean()
    centre(kept, rest.detach())
    return loss, log_w.mean()


@case("muprop", sbn_with_baseline)
def muprop(p, x, index, kept):
    """The signal expanded around the mean code; its slope written down."""
    h, a = codes(p, x)
    log_p, log_q = log_joint(p, x, h), log_code(a, h)
    mean = torch.sigmoid(a)
    with torch.no_grad():
        logits = torch.addmm(p["b"], mean, p["W"])
        slope = (x - torch.sigmoid(logits)) @ p["W"].t() + p["top"] - a
        middle = log_code(p["top"], mean) + log_bits(logits, x) - log_code(a, mean)
        log_w = log_p - log_q
        linear = log_w - middle - (slope * (h - mean)).sum(-1)
    rest = linear - baseline(p, x) - kept["mean"]
    loss = -(log_p + rest.detach() * log_q - 0.5 * rest.square()).mean() - (slope * mean).sum(-1).mean()
    centre(kept, rest.detach())
    return loss, log_w.mean()


def _relaxed(name, code):
    @case(name, sbn)
    def objective(p, x, index, kept):
        """f of a code that is differentiable, somehow."""
        a = torch.addmm(p["c"], x, p["R"])
        h = code(a, torch.rand(K, len(x), HIDDEN))
        value = (log_joint(p, x, h) - log_code(a, h)).mean()
        return -value, value.detach()


def logistic(a, u):
    """Logits with noise."""
    u = u.clamp(SMALLEST, 1 - SMALLEST)
    return a + u.log() - (-u).log1p()


def straight(a, u):
    """A bit going up, its mean coming down."""
    mean = torch.sigmoid(a)
    return mean + ((u < mean).float() - mean).detach()


def sharp(a, u):
    """A bit going up, its relaxed code coming down."""
    z = logistic(a, u)
    soft = torch.sigmoid(z)
    return soft + ((z > 0).float() - soft).detach()


_relaxed("gumbel", lambda a, u: torch.sigmoid(logistic(a, u)))
_relaxed("st-gumbel", sharp)
_relaxed("straight-through", straight)


@case("arm", sbn)
def arm(p, x, index, kept):
    """Two mirrored codes of one noise."""
    a = torch.addmm(p["c"], x, p["R"])
    u = torch.rand(K, len(x), HIDDEN)
    with torch.no_grad():
        mean = torch.sigmoid(a)
        h, other = (u < mean).float(), (u > 1 - mean).float()
        far = log_joint(p, x, other) - log_code(a, other)
    log_p = log_joint(p, x, h)
    f = (log_p - log_code(a, h)).detach()
    pull = (far - f)[..., None] * (u - 0.5)
    return -log_p.mean() - (pull.mean(0) * a).sum(-1).mean(), f.mean()


def scaled(rows):
    """The net, and the logarithms of a temperature and of a scale."""
    return sbn(rows) | {"heat": torch.tensor(math.log(0.5)), "scale": torch.zeros(())}


def with_network(rows):
    """The net, the logarithm of a temperature, and a perceptron of (x, z) whose last layer begins at nought."""
    first = glorot(784 + HIDDEN, 100)
    network = {"sx": first[:784].clone(), "sz": first[784:].clone(), "sb": torch.zeros(100)}
    network |= {"t": torch.zeros(100, 1), "tb": torch.zeros(1)}
    return sbn(rows) | {"heat": torch.tensor(math.log(0.5))} | network


def scale_of(p, s, x, z):
    """η f."""
    return torch.exp(s["scale"]), 0.0


def network_of(p, s, x, z):
    """f + r(x, z)."""
    first = torch.addmm(s["sb"], x, s["sx"]) + torch.tanh(z) @ s["sz"]
    return 1.0, (functional.leaky_relu(first) @ s["t"]).squeeze(-1) + s["tb"]


def conditioned(a, b, v):
    """Logits with noise, given the bit."""
    v = v.clamp(SMALLEST, 1 - SMALLEST)
    nought = torch.sigmoid(-a)
    return logistic(a, torch.where(b > 0.5, nought + v * (1 - nought), v * nought))


def _controlled(name, parameters, parts):
    own = [key for key in parameters(torch.zeros(2, 784)) if key not in ("W", "b", "top", "R", "c")]

    def gradients(p, x, index, kept):
        """Of −f for θ and φ, and of the variance for the surrogate; φ enters by its logits alone."""
        p = {key: value.detach() for key, value in p.items()}
        a, n = torch.addmm(p["c"], x, p["R"]), len(x)
        u, v = torch.rand(K, n, HIDDEN), torch.rand(K, n, HIDDEN)
        b = (logistic(a, u) > 0).float()
        logits = torch.addmm(p["b"], b.view(-1, HIDDEN), p["W"]).view(K, n, 784)
        f = log_code(p["top"], b) + log_bits(logits, x) - log_code(a, b)

        def control(s, z):
            soft = torch.sigmoid(z * torch.exp(-s["heat"]))
            scale, extra = parts(p, s, x, z)
            return scale * (log_joint(p, x, soft) - log_code(a, soft)) + extra

        def pull(free, s):
            bound = control(s, conditioned(free, b, v))
            number = control(s, conditioned(a, b, v))
            return ((f - number) * log_code(free, b) + control(s, logistic(free, u)) - bound).mean()

        def energy(s):
            da = torch.func.grad(pull)(a, s)
            return (x.t() @ da).square().sum() + da.sum(0).square().sum(), da

        down, da = torch.func.grad(energy, has_aux=True)({key: p[key] for key in own})
        share = torch.full((K, n), 1 / K)
        found = sbn_gradients(p, x, b, a, logits, share, share) | {"R": -(x.t() @ da), "c": -da.sum(0)}
        return found | down, f.mean()

    CASES[name] = None, parameters, 100
    GRADIENTS[name] = gradients


_controlled("rebar", scaled, scale_of)
_controlled("relax", with_network, network_of)


# The restricted Boltzmann machine of 500 hidden units, by chains that persist or begin at the data.


def machine(rows):
    """One matrix between the layers."""
    return {"W": 0.01 * torch.randn(784, UNITS), "b": log_odds(rows), "c": torch.zeros(UNITS)}


def free(p, x):
    """The mean of u(x)."""
    return (x @ p["b"] + functional.softplus(torch.addmm(p["c"], x, p["W"])).sum(1)).mean()


def sweeps(p, x, count):
    """Gibbs sweeps."""
    with torch.no_grad():
        for _ in range(count):
            h = (torch.rand(len(x), UNITS) < torch.sigmoid(torch.addmm(p["c"], x, p["W"]))).float()
            x = (torch.rand_like(x) < torch.sigmoid(torch.addmm(p["b"], h, p["W"].t()))).float()
    return x


def _machine(name, count, persists):
    def particles(p, x, kept):
        found = sweeps(p, kept["particles"] if persists else x, count)
        if persists:
            kept["particles"].copy_(found)
        return found

    @case(name, machine)
    def objective(p, x, index, kept):
        """Data up, particles down."""
        up = free(p, x)
        return free(p, particles(p, x, kept)) - up, up.detach()

    @by_hand(name)
    def gradients(p, x, index, kept):
        """The same without autograd."""
        v, n = particles(p, x, kept), len(x)
        fields = torch.addmm(p["c"], x, p["W"])
        up, down = torch.sigmoid(fields), torch.sigmoid(torch.addmm(p["c"], v, p["W"]))
        figure = (x @ p["b"] + functional.softplus(fields).sum(1)).mean()
        w = torch.addmm(v.t() @ down, x.t(), up, alpha=-1).div_(n)
        return {"W": w, "b": v.mean(0) - x.mean(0), "c": down.mean(0) - up.mean(0)}, figure


KEPT["pcd-1"] = lambda rows: {"particles": (torch.rand(100, 784) < rows.mean(0)).float()}
_machine("pcd-1", 1, True)
_machine("cd-25", 25, False)


# A perceptron 784-500-500-1 on top of independent Gaussians, by Langevin moves from a store of chains.


def perceptron_potential(rows):
    """The layers; the reference does not move."""
    sizes = {"f0": (784, UNITS), "f1": (UNITS, UNITS), "f2": (UNITS, 1)}
    return {name: glorot(*size) for name, size in sizes.items()} | {
        f"{name}b": torch.zeros(size[1]) for name, size in sizes.items()
    }


def store(rows):
    """Chains at draws of the reference, twice as wide as the data."""
    mean, spread = rows.mean(0), rows.std(0, correction=0)
    return {"mean": mean, "spread": spread, "store": mean + 2 * spread * torch.randn(STORE, 784), "move": move}


KEPT["langevin"] = store


def layers(p, z):
    """What the layers hold before each silu."""
    first = torch.addmm(p["f0b"], z, p["f0"])
    return first, torch.addmm(p["f1b"], functional.silu(first), p["f1"])


def field(p, x, kept):
    """The mean of u(x)."""
    z = (x - kept["mean"]) / kept["spread"]
    second = layers(p, z)[1]
    scale = 2 * kept["spread"]
    constant = -scale.log().sum() - 392 * math.log(2 * math.pi)
    return (torch.addmm(p["f2b"], functional.silu(second), p["f2"]).sum(1) - z.square().sum(1) / 8).mean() + constant


def bent(a):
    """silu'."""
    share = torch.sigmoid(a)
    return share * (1 + a * (1 - share))


def move(p, x, mean, spread):
    """One Langevin move; the slope is written down."""
    z = (x - mean) / spread
    first, second = layers(p, z)
    back = (p["f2"].t() * bent(second)) @ p["f1"].t() * bent(first)
    slope = (back @ p["f0"].t() - z / 4) / spread
    return x + 0.5 * STRIDE * slope + math.sqrt(STRIDE) * torch.randn_like(x)


@case("langevin", perceptron_potential)
def langevin(p, x, index, kept):
    """A batch of the store moves; one in twenty begins anew."""
    n = len(x)
    places = (torch.randint(STORE, (1,)) + torch.arange(n) * (STORE // n)) % STORE
    fresh = kept["mean"] + 2 * kept["spread"] * torch.randn(n, 784)
    with torch.no_grad():
        particles = torch.where(torch.rand(n, 1) < 0.05, fresh, kept["store"][places])
        for _ in range(60):
            particles = kept["move"](p, particles, kept["mean"], kept["spread"])
    kept["store"].index_copy_(0, places, particles)
    up = field(p, x, kept)
    return field(p, particles, kept) - up, up.detach()


def main() -> None:
    """Answer requests until there are no more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("case")
    parser.add_argument("--denormals", action="store_true")
    given = parser.parse_args()
    flushed = torch.set_flush_denormal(not given.denormals)
    rows = torch.from_numpy(np.load(given.rows)).float()
    forms = {}
    told = {"torch": torch.__version__, "threads": torch.get_num_threads(), "flushed": flushed and not given.denormals}
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["form"] not in forms:
                forms[asked["form"]] = Form(given.case, asked["form"], rows)
            seconds, figure = forms[asked["form"]].run(asked["steps"], asked["clock"])
            answer = {"seconds": seconds, "figure": figure}
        except Exception as error:  # The other side must hear of it, whatever it is.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
