import pytest
import torch
from torch import nn

from fwibench.methods.flops import count_flops


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.Linear(30, 20), (1, 30), 600),
        (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 12), 8 * 3 * 9 * 120),
        (nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), (1, 4, 10, 12), 8 * 2 * 9 * 30),
        (nn.ConvTranspose2d(8, 4, 4, 2, 1), (1, 8, 5, 6), 8 * 4 * 16 * 30),
        (nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.LeakyReLU()), (1, 3, 5, 5), 9 * 25),
    ],
)
def test_layers_are_counted(module: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    x = torch.zeros(shape)
    module.eval()
    assert count_flops(lambda: module(x)) == (2 * macs, ())


def test_attention_is_counted_despite_its_fast_path() -> None:
    tokens, width, hidden = 5, 16, 32
    layer = nn.TransformerEncoderLayer(width, 4, hidden, batch_first=True).eval()
    x = torch.zeros(1, tokens, width)
    projections = 4 * tokens * width * width
    attention = 2 * tokens * tokens * width
    mlp = 2 * tokens * width * hidden
    assert count_flops(lambda: layer(x)) == (2 * (projections + attention + mlp), ())


def test_uncounted_operations_are_listed() -> None:
    x = torch.zeros(1, 8, 4)
    lstm = nn.LSTM(4, 6, batch_first=True)
    assert count_flops(lambda: torch.fft.rfft(x, dim=1))[1] == ("aten::_fft_r2c",)
    flops, uncounted = count_flops(lambda: lstm(x))
    assert flops > 0 or uncounted


def test_counting_restores_global_settings() -> None:
    before = (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled, torch.is_grad_enabled())
    with pytest.raises(ZeroDivisionError):
        count_flops(lambda: 1 / 0)
    after = (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled, torch.is_grad_enabled())
    assert before == after
