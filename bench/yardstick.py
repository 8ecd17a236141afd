"""The plain loop that bench is measured against: an nn.Module, autograd, torch.optim.Adam, one model."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Reshape(nn.Module):
    """Reshape all but the batch axis."""

    def __init__(self, *shape: int):
        super().__init__()
        self.shape = shape

    def forward(self, values: Tensor) -> Tensor:
        return values.view(len(values), *self.shape)


def conv_64(channels: int, latent_dim: int, inner_kernel: int) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of the study as anyone would write them."""
    inner = {"kernel_size": inner_kernel, "stride": 2, "padding": 0 if inner_kernel == 2 else 1}
    outer = {"kernel_size": 4, "stride": 2, "padding": 1}
    encoder = nn.Sequential(
        *(nn.Conv2d(channels, 32, **outer), nn.ReLU(), nn.Conv2d(32, 32, **outer), nn.ReLU()),
        *(nn.Conv2d(32, 64, **inner), nn.ReLU(), nn.Conv2d(64, 64, **inner), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * latent_dim)),
    )
    decoder = nn.Sequential(
        *(nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(), Reshape(64, 4, 4)),
        *(nn.ConvTranspose2d(64, 64, **outer), nn.ReLU(), nn.ConvTranspose2d(64, 32, **outer), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 32, **outer), nn.ReLU(), nn.ConvTranspose2d(32, channels, **outer)),
    )
    return encoder, decoder


def dense(channels: int, latent_dim: int, side: int, first: int, second: int) -> tuple[nn.Module, nn.Module]:
    """The small perceptrons of the quick start."""
    pixels = channels * side**2
    encoder = nn.Sequential(
        *(nn.Flatten(), nn.Linear(pixels, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU()),
        nn.Linear(second, 2 * latent_dim),
    )
    decoder = nn.Sequential(
        *(nn.Linear(latent_dim, second), nn.ReLU(), nn.Linear(second, first), nn.ReLU()),
        *(nn.Linear(first, pixels), Reshape(channels, side, side)),
    )
    return encoder, decoder


PLAIN = {
    "conv_64": lambda channels, latents: conv_64(channels, latents, 2),
    "conv_64_4x4": lambda channels, latents: conv_64(channels, latents, 4),
    "dense_16": lambda channels, latents: dense(channels, latents, 16, 128, 64),
    "dense_8": lambda channels, latents: dense(channels, latents, 8, 64, 64),
}


class PlainLoop:
    """A β-VAE trained step by step on given images, with nothing clever about it."""

    def __init__(self, architecture: str, channels: int, latent_dim: int, device: str):
        self.encoder, self.decoder = (part.to(device) for part in PLAIN[architecture](channels, latent_dim))
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=1e-4)

    def step(self, images: Tensor, noise: Tensor) -> Tensor:
        """One update on images (B, C, H, W) with noise (B, d); returns the loss."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        z = mean + (0.5 * log_variance).exp() * noise
        pixels = F.binary_cross_entropy_with_logits(self.decoder(z), images, reduction="none")
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean()
        loss = pixels.sum((1, 2, 3)).mean() + 4.0 * kl
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()
