"""A masked autoencoder of vision transformers (He et al., Masked Autoencoders Are Scalable Vision Learners, 2022)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from fwibench_auto_linear import AutoLinearOptions
from fwibench_auto_linear.patches import Patches

POSITIONS = 0.02
"""Standard deviation of the initial embeddings of positions and of hidden patches, that of vision transformers."""
MLP = 4
"""Number of hidden units of a transformer's MLP over the number of channels, that of vision transformers."""


class Transformer(nn.Module):
    """A linear layer, embeddings of positions, transformer blocks and another linear layer.

    Args:
        entries: Number of entries of a token before and after it.
        tokens: Number of positions (L).
        layers: Number of transformer blocks.
        options: Options of Auto-Linear with the sizes of a block.
    """

    def __init__(self, entries: tuple[int, int], tokens: int, layers: int, options: AutoLinearOptions) -> None:
        super().__init__()
        width = options.width
        self.enter = nn.Linear(entries[0], width)
        self.positions = nn.Parameter(POSITIONS * torch.randn(tokens, width))
        self.blocks = nn.Sequential(*_blocks(layers, options))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, entries[1]))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens `(n, L, entries after)` for tokens `(n, L, entries before)` at all positions."""
        return self.transform(self.enter(tokens) + self.positions)

    def transform(self, embedded: Tensor) -> Tensor:
        """Return tokens `(n, k, entries after)` for embedded tokens `(n, k, width)` at some positions."""
        return self.leave(self.blocks(embedded))


class MaskedAutoencoder(nn.Module):
    """An encoder from images to latents, and a decoder from latents to images.

    Training hides a share of the patches from the encoder; the decoder restores all of them. Otherwise the encoder
    receives every patch.

    Args:
        patches: Patches of an image.
        options: Options of Auto-Linear.

    Attributes:
        size: Number of entries of a latent.
        visible: Number of patches that training does not hide.
    """

    def __init__(self, patches: Patches, options: AutoLinearOptions) -> None:
        super().__init__()
        self.patches = patches
        self.size = patches.count * options.latent
        self.visible = max(round((1 - options.masking) * patches.count), 1)
        self.encoder = Transformer((patches.entries, options.latent), patches.count, options.layers, options)
        self.decoder = Transformer((options.latent, patches.entries), patches.count, options.decoder_layers, options)
        self.hidden = nn.Parameter(POSITIONS * torch.randn(options.width))

    def encode(self, images: Tensor) -> Tensor:
        """Return latents `(n, size)` of images `(n, C, H, W)`."""
        return self.encoder(self.patches.divide(images)).flatten(1)

    def decode(self, latents: Tensor) -> Tensor:
        """Return images `(n, C, H, W)` of latents `(n, size)`."""
        return self.patches.join(self.decoder(latents.reshape(len(latents), self.patches.count, -1)))

    def encode_visible(self, images: Tensor, visible: Tensor) -> Tensor:
        """Return the latents `(n, k, entries)` of some patches, for which no other patch is used.

        Args:
            images: Images `(n, C, H, W)`.
            visible: Numbers of the patches `(n, k)`.
        """
        patches = self.patches.divide(images)
        chosen = patches.gather(1, visible[..., None].expand(-1, -1, patches.shape[2]))
        return self.encoder.transform(self.encoder.enter(chosen) + self.encoder.positions[visible])

    def restore(self, images: Tensor) -> Tensor:
        """Return images `(n, C, H, W)` restored from randomly chosen patches of images `(n, C, H, W)`."""
        order = torch.rand(len(images), self.patches.count, device=images.device).argsort(1)
        visible = order[:, : self.visible]
        embedded = self.decoder.enter(self.encode_visible(images, visible))
        width = embedded.shape[2]
        hidden = self.hidden.to(embedded.dtype).expand(len(images), self.patches.count, width)
        tokens = hidden.scatter(1, visible[..., None].expand(-1, -1, width), embedded)
        return self.patches.join(self.decoder.transform(tokens + self.decoder.positions))


def _blocks(layers: int, options: AutoLinearOptions) -> Iterable[nn.Module]:
    width, heads = options.width, options.heads
    for _ in range(layers):
        yield nn.TransformerEncoderLayer(
            width, heads, MLP * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
