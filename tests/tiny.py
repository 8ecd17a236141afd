"""A grid of six cells that trains and scores in about a second."""

TINY = """
study: tiny
datasets: [dsprites_quick]
source: rendered
models:
  beta_vae: {beta: [1, 4], reconstruction_weight: 8}
  factor_vae: {gamma: 6, discriminator: fc_64x2, reconstruction_weight: 8}
seeds: 2
training: {architecture: dense_8, latent_dim: 4, steps: 60, learning_rate: 4e-3}
evaluation: {images: 600, metrics: [mig, modularity, unsupervised]}
storage: {codes: 50}
"""
