"""What a grid may say: models, training, evaluation and storage, each field with a sentence.

No torch here: grids are read, planned and reported on machines that never train.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, field_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

#: What a study may be called: its name becomes a folder's, here and in stores.
STUDY_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"

#: architecture name -> side of the square image it takes; smaller sides are block averages of 64×64.
IMAGE_SIZE: dict[str, int] = {
    "conv_64": 64,  # the study's network as released: 2×2 kernels in the third and fourth convolution
    "conv_64_4x4": 64,  # the network of the paper's Table 2: 4×4 kernels everywhere
    "dense_16": 16,  # 256·C-128-64 perceptron on 4×4 block averages
    "dense_8": 8,  # 64·C-64-64 perceptron on 8×8 block averages
}

Architecture = Literal["conv_64", "conv_64_4x4", "dense_16", "dense_8"]
Precision = Literal["float32", "float64", "tf32", "bfloat16"]
Source = Literal["auto", "real", "rendered"]


class Settings(BaseModel):
    """Base of all settings: unknown keys and values of another type are errors, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Training(Settings):
    """How the cells of a grid are trained; the defaults are the study's (locatello2019.md §1.3)."""

    architecture: Architecture = "conv_64"
    """Encoder and decoder; the name fixes the image size."""
    latent_dim: Annotated[int, Field(ge=1, le=1000)] = 10
    """Number of latent dimensions."""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Images per step, drawn with replacement from the whole data set."""
    steps: Annotated[int, Field(ge=1, le=100_000_000)] = 300_000
    """Updates of the VAE (encoder and decoder)."""
    learning_rate: Positive = 1e-4
    """Step size of Adam for the encoder and decoder."""
    learning_rate_end: Positive | None = None
    """Where a half cosine takes the step size by the last step; left out, it stays constant (the study)."""
    precision: Precision = "float32"
    """Arithmetic: float32 (the study), float64 (for checks), or on a GPU products in tf32, or bfloat16:
    convolutions in bfloat16, dense layers in TF32. Losses and Adam stay in float32."""


class ModelSettings(Settings):
    """What every model has beside its own strength: the likelihood of the decoder."""

    hyperparameter: ClassVar[str | None] = None  # name of the strength parameter the study sweeps

    reconstruction: Literal["bernoulli", "gaussian", "laplace"] = "bernoulli"
    """Likelihood of a pixel; each is summed over pixels and averaged over the batch, in nats."""
    reconstruction_scale: Positive = 1.0
    """Fixed standard deviation of the Gaussian, or scale of the Laplace likelihood; unused by Bernoulli."""
    reconstruction_weight: Positive = 1.0
    """Factor on the reconstruction loss; 1 in the study, more where averaged images have fewer pixels."""

    @property
    def strength(self) -> float | None:
        """The value of the strength parameter, None for a model that has none."""
        return None if self.hyperparameter is None else float(getattr(self, self.hyperparameter))


class Untrained(ModelSettings):
    """The network at its initial weights: what a score gives without any training."""


class VAE(ModelSettings):
    """The plain variational autoencoder (Kingma & Welling 2014): the β-VAE with β = 1."""


class BetaVAE(ModelSettings):
    """β-VAE (Higgins et al. 2017)."""

    hyperparameter: ClassVar[str] = "beta"
    beta: NotNegative
    """Weight of the KL divergence."""


class AnnealedVAE(ModelSettings):
    """AnnealedVAE (Burgess et al. 2017)."""

    hyperparameter: ClassVar[str] = "c_max"
    c_max: NotNegative
    """Capacity in nats that the KL divergence is held at in the end."""
    gamma: NotNegative = 1000.0
    """Weight of the distance between the KL divergence and the capacity."""
    iteration_threshold: Annotated[int, Field(ge=1)] = 100_000
    """Steps over which the capacity grows linearly from 0 to c_max."""


class FactorVAE(ModelSettings):
    """FactorVAE (Kim & Mnih 2018)."""

    hyperparameter: ClassVar[str] = "gamma"
    gamma: NotNegative
    """Weight of the total correlation that the discriminator estimates."""
    discriminator: Literal["fc_1000x6", "fc_64x2"] = "fc_1000x6"
    """The discriminator: hidden units × hidden layers, leaky ReLU of slope 0.2; the study's is fc_1000x6."""
    discriminator_learning_rate: Positive = 1e-4
    """Step size of the discriminator's own Adam (moments 0.5 and 0.9)."""


class BetaTCVAE(ModelSettings):
    """β-TCVAE (Chen et al. 2018)."""

    hyperparameter: ClassVar[str] = "beta"
    beta: NotNegative
    """Weight of the total correlation; 1 gives the plain VAE."""


class DIPVAEI(ModelSettings):
    """DIP-VAE-I (Kumar et al. 2018): covariance of the encoder's means."""

    hyperparameter: ClassVar[str] = "lambda_od"
    lambda_od: NotNegative
    """Weight of the squared off-diagonal covariances."""
    lambda_d_factor: NotNegative = 10.0
    """Weight of the diagonal term, as a multiple of lambda_od."""


class DIPVAEII(DIPVAEI):
    """DIP-VAE-II (Kumar et al. 2018): covariance of the sampled codes."""

    lambda_d_factor: NotNegative = 1.0
    """Weight of the diagonal term, as a multiple of lambda_od."""


class Evaluation(Settings):
    """How trained cells are scored; no part of a cell's identity."""

    representations: Annotated[list[Literal["mean", "sampled"]], Field(min_length=1)] = ["mean"]
    """Which codes are scored: the encoder's means, samples of its posterior, or both."""
    metrics: Annotated[list[str | dict], Field(min_length=1)] = [
        "beta_vae", "factor_vae", "mig", "dci", "modularity", "sap", "unsupervised", "downstream",
    ]  # fmt: skip
    """Metrics by name: `dci`, an estimator of one (`dci@study`), or one with settings ({mig: {bins: 10}})."""
    images: Annotated[int, Field(ge=10)] | None = None
    """Score on this many images, drawn once for all cells; left out, on the whole data set."""


class Storage(Settings):
    """What a study keeps beside its scores; no part of a cell's identity."""

    weights: bool = True
    """Keep the trained weights, so that a new metric needs no new training."""
    codes: Annotated[int, Field(ge=0, le=100_000)] = 1000
    """Keep the means and KL divergences of this many images per cell (0: none), which UDR needs."""


def _seeds(given: object) -> int | list[int]:
    """A number of seeds or a list of them; one sentence instead of pydantic's one per branch of a union."""
    several = (
        isinstance(given, list) and given and all(type(seed) is int and 0 <= seed < 2**63 for seed in given)
    )
    if several and len(set(given)) < len(given):
        raise ValueError("a seed is named twice")
    if several or (type(given) is int and given >= 1):
        return given
    raise ValueError("seeds is a number of seeds, at least 1, or a list of seeds that are not negative")


class Grid(Settings):
    """A grid file: data sets × models × hyperparameter values × seeds."""

    study: Annotated[str, Field(pattern=STUDY_NAME)]
    """Name of the study, and of its folders under results/ and reports/; the file's name when left out."""
    datasets: Annotated[list[str], Field(min_length=1)]
    """Data sets by name, or a user's own as package.module:NAME."""
    models: Annotated[dict[str, dict | None], Field(min_length=1)]
    """Models by name, each with its hyperparameters; a list of values is a sweep, several multiply."""
    seeds: Annotated[int | list[int], PlainValidator(_seeds)] = 1
    """Number of seeds (0, 1, …), or a list of them."""
    source: Source = "auto"
    """Published files (real), our renderings (rendered), or the first that is there (auto)."""
    training: Training = Training()
    """How every cell is trained; a model's own `training` overrides it."""
    evaluation: Evaluation = Evaluation()
    """How every cell is scored."""
    storage: Storage = Storage()
    """What is kept beside the scores."""

    @field_validator("datasets")
    @classmethod
    def _no_repeats(cls, datasets: list[str]) -> list[str]:
        if len(set(datasets)) < len(datasets):
            raise ValueError("a data set is named twice")
        return datasets


#: model name in a grid -> its settings; the objectives of the same names stand in bench.models.MODELS.
MODEL_SETTINGS: dict[str, type[ModelSettings]] = {
    "untrained": Untrained,
    "vae": VAE,
    "beta_vae": BetaVAE,
    "annealed_vae": AnnealedVAE,
    "factor_vae": FactorVAE,
    "beta_tc_vae": BetaTCVAE,
    "dip_vae_i": DIPVAEI,
    "dip_vae_ii": DIPVAEII,
}
