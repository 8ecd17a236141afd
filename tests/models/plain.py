"""A plain, slow, independent trainer of one model: nn.Module, torch.optim, sums written out.

It shares with bench only what an experiment is: initial weights, batches, noise and permutations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class PlainVAE(nn.Module):
    """One member: an nn.Module of either architecture, filled with given weights."""

    def __init__(self, architecture: str, weights: dict[str, Tensor]):
        super().__init__()
        self.side = {"conv_64": 64, "dense_8": 8}[architecture]
        self.layers = nn.ModuleDict()
        for name in sorted({key.partition(".")[0] for key in weights}):
            weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
            self.layers[name] = _layer(name, weight)
            values = weight.T if weight.ndim == 2 else weight
            self.layers[name].weight.data = values.clone()
            self.layers[name].bias.data = bias.clone()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = images if self.side == 64 else images.flatten(1)
        for name in ("e1", "e2", "e3", "e4") if self.side == 64 else ("e1", "e2"):
            hidden = torch.relu(self.layers[name](hidden))
        if self.side == 64:
            hidden = torch.relu(self.layers["e5"](hidden.flatten(1)))
        return self.layers["mean"](hidden), self.layers["log_variance"](hidden)

    def decode(self, z: Tensor) -> Tensor:
        hidden = torch.relu(self.layers["d1"](z))
        hidden = torch.relu(self.layers["d2"](hidden))
        if self.side == 8:
            return self.layers["d3"](hidden).view(len(z), -1, 8, 8)
        hidden = hidden.view(len(z), 64, 4, 4)
        for name in ("d3", "d4", "d5"):
            hidden = torch.relu(self.layers[name](hidden))
        return self.layers["d6"](hidden)


class PlainDiscriminator(nn.Module):
    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        names = list(dict.fromkeys(key.partition(".")[0] for key in weights))
        layers = []
        for name in names:
            linear = _layer(name, weights[f"{name}.weight"])
            linear.weight.data = weights[f"{name}.weight"].T.clone()
            linear.bias.data = weights[f"{name}.bias"].clone()
            layers += [linear, nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers[:-1])

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z)


def _layer(name: str, weight: Tensor) -> nn.Module:
    if weight.ndim == 2:
        return nn.Linear(*weight.shape, dtype=torch.float64)
    kernel = weight.shape[2]
    padding = 1 if kernel == 4 else 0
    kind, sizes = (
        (nn.Conv2d, weight.shape[1::-1]) if name.startswith("e") else (nn.ConvTranspose2d, weight.shape[:2])
    )
    return kind(*sizes, kernel, stride=2, padding=padding, dtype=torch.float64)


def plain_regularizer(
    model: str, hyper: dict[str, float], mean, log_variance, z, step: int, critic
) -> Tensor:
    """Everything but the reconstruction loss, term by term as in the papers."""
    batch, latents = mean.shape
    kl = sum(0.5 * (m**2 + v.exp() - v - 1).sum() for m, v in zip(mean, log_variance, strict=True)) / batch
    if model in ("vae", "untrained"):
        return kl
    if model == "beta_vae":
        return hyper["beta"] * kl
    if model == "annealed_vae":
        capacity = min(hyper["c_max"], hyper["c_max"] * step / hyper["iteration_threshold"])
        return hyper["gamma"] * abs(kl - capacity)
    if model == "factor_vae":
        logits = critic(z)
        return kl + hyper["gamma"] * (logits[:, 0] - logits[:, 1]).mean()
    if model == "beta_tc_vae":
        return kl + (hyper["beta"] - 1) * _total_correlation(mean, log_variance, z)
    covariance = torch.cov(mean.T, correction=0).reshape(latents, latents)
    if model == "dip_vae_ii":
        covariance = covariance + torch.diag(log_variance.exp().mean(0))
    penalty = torch.zeros((), dtype=mean.dtype)
    for a in range(latents):
        for b in range(latents):
            if a == b:
                weight = hyper["lambda_d_factor"] * hyper["lambda_od"]
                penalty = penalty + weight * (covariance[a, a] - 1) ** 2
            else:
                penalty = penalty + hyper["lambda_od"] * covariance[a, b] ** 2
    return kl + penalty


def _total_correlation(mean: Tensor, log_variance: Tensor, z: Tensor) -> Tensor:
    total = torch.zeros((), dtype=mean.dtype)
    for code in z:
        log_q = torch.distributions.Normal(mean, (0.5 * log_variance).exp()).log_prob(code)  # (B_i, d)
        total = total + log_q.sum(1).logsumexp(0) - log_q.logsumexp(0).sum()
    return total / len(z)


def plain_reconstruction(kind: str, scale: float, logits: Tensor, images: Tensor) -> Tensor:
    if kind == "bernoulli":
        log_p = torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(images)
    elif kind == "gaussian":
        log_p = torch.distributions.Normal(logits, scale).log_prob(images)
    else:
        log_p = torch.distributions.Laplace(logits, scale).log_prob(images)
    return -log_p.flatten(1).sum(1).mean()


def tf_adam(parameters, learning_rate: float, betas: tuple[float, float]):
    """torch's Adam, its epsilon rescaled before each step to what TensorFlow's means."""
    optimiser = torch.optim.Adam(parameters, lr=learning_rate, betas=betas)

    def step(t: int) -> None:
        optimiser.param_groups[0]["eps"] = 1e-8 / math.sqrt(1 - betas[1] ** t)
        optimiser.step()

    return optimiser, step


def train_plain(
    model, vae, critic, settings: dict, batches, noise, permutations, learning_rate: float
) -> list[float]:
    """Train one member on given batches (T, B, C, H, W); returns the loss of every step."""
    hyper = {name: value for name, value in settings.items() if isinstance(value, int | float)}
    optimiser, vae_step = tf_adam(vae.parameters(), learning_rate, (0.9, 0.999))
    if critic is not None:
        critic_optimiser, critic_step = tf_adam(
            critic.parameters(), hyper["discriminator_learning_rate"], (0.5, 0.9)
        )
    losses = []
    for t, images in enumerate(batches):
        mean, log_variance = vae.encode(images)
        z = mean + (0.5 * log_variance).exp() * noise[t]
        reconstruction = plain_reconstruction(
            settings["reconstruction"], hyper["reconstruction_scale"], vae.decode(z), images
        )
        regularizer = plain_regularizer(model, hyper, mean, log_variance, z, t, critic)
        loss = hyper["reconstruction_weight"] * reconstruction + regularizer
        optimiser.zero_grad()
        loss.backward(inputs=list(vae.parameters()))
        if critic is not None:
            permuted = torch.stack([z.detach()[permutations[t][:, d], d] for d in range(z.shape[1])], dim=1)
            joint = torch.softmax(critic(z.detach()), 1)[:, 0].clamp(1e-6, 1 - 1e-6)
            shuffled = torch.softmax(critic(permuted), 1)[:, 1].clamp(1e-6, 1 - 1e-6)
            critic_optimiser.zero_grad()
            (-0.5 * joint.log().mean() - 0.5 * shuffled.log().mean()).backward()
            critic_step(t + 1)
        vae_step(t + 1)
        losses.append(loss.item())
    return losses
