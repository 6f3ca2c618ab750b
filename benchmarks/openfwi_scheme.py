"""OpenFWI's published finite-difference scheme, as a reference for measurements of how simulators differ.

Second order in time, fourth in space, 120 cells of damping around the map, sources as `(v dt)**2 w` on one node.
A published record is met to 2e-5 in relative L2: `python benchmarks/openfwi_scheme.py VELOCITY.npy SHOTS.npy`.
"""

import math
import sys

import numpy as np
import torch

FRAME = 120
STEP = 1e-3
SPACING = 10.0
SAMPLES = 1000
FREQUENCY = 15.0
COLUMNS = (0, 17, 34, 52, 69)


def simulate(velocity: np.ndarray) -> np.ndarray:
    """Five shots `(5, 1000, 70)` of a velocity map `(70, 70)` in m/s, without the zeros of the last sample."""
    v = np.pad(velocity.astype(np.float64), FRAME, mode="edge")
    damping = STEP * _damping(v.shape, velocity.shape, velocity.min())
    courant = (v * STEP / SPACING) ** 2
    now_factor, before_factor, alpha = (
        torch.from_numpy(one.astype(np.float32)) for one in (2 - 5 * courant - damping, 1 - damping, courant)
    )
    rows, columns = torch.full((5,), FRAME + 1), FRAME + torch.tensor(COLUMNS)
    source = torch.from_numpy(((v * STEP) ** 2)[rows.numpy(), columns.numpy()].astype(np.float32))
    signal = _wavelet()
    # two more cells on each side hold copies of the opposite side: the published code shifts its arrays in circles
    before, now = (torch.zeros(5, v.shape[0] + 4, v.shape[1] + 4) for _ in range(2))
    shots, record = torch.arange(5), torch.empty(5, SAMPLES, velocity.shape[1])
    near, far = alpha * (4 / 3), alpha / 12
    inner = slice(2, -2)
    for step in range(SAMPLES):
        change = now[:, 1:-3, inner] + now[:, 3:-1, inner]
        change += now[:, inner, 1:-3]
        change += now[:, inner, 3:-1]
        change *= near
        outer = now[:, :-4, inner] + now[:, 4:, inner]
        outer += now[:, inner, :-4]
        outer += now[:, inner, 4:]
        change -= outer.mul_(far)
        change.addcmul_(now[:, inner, inner], now_factor).addcmul_(before[:, inner, inner], before_factor, value=-1)
        change[shots, rows, columns] += source * signal[step]
        before[:, inner, inner] = change
        before, now = now, before
        now[:, :2], now[:, -2:] = now[:, -4:-2], now[:, 2:4]
        now[:, :, :2], now[:, :, -2:] = now[:, :, -4:-2], now[:, :, 2:4]
        record[:, step] = change[:, FRAME + 1, FRAME:-FRAME]
    return record.numpy()


def _wavelet() -> np.ndarray:
    """A Ricker wavelet of 147 samples with its peak at sample 73."""
    half = math.floor(2.2 / FREQUENCY / STEP / 2)
    phase = (np.arange(2 * half + 1) - half) * FREQUENCY * STEP * math.pi
    signal = np.zeros(SAMPLES, np.float32)
    signal[: 2 * half + 1] = (1 - 2 * phase**2) * np.exp(-(phase**2))
    return signal


def _damping(padded: tuple[int, int], shape: tuple[int, int], slowest: float) -> np.ndarray:
    """Damping coefficients [1/s] of the frame, zero on the map."""
    width = (FRAME - 1) * SPACING
    profile = 3 * slowest * math.log(1e7) / (2 * width) * (np.arange(FRAME) * SPACING / width) ** 2
    damping = np.zeros(padded)
    damping[:, :FRAME] = profile[::-1]
    damping[:, FRAME + shape[1] :] = profile
    inside = slice(FRAME, FRAME + shape[1])
    damping[:FRAME, inside] = profile[::-1, None]
    damping[FRAME + shape[0] :, inside] = profile[:, None]
    return damping


if __name__ == "__main__":
    found, published = simulate(np.load(sys.argv[1]).reshape(70, 70)), np.load(sys.argv[2]).reshape(5, SAMPLES, 70)
    error = np.linalg.norm((found - published)[:, :-1]) / np.linalg.norm(published)
    print(f"relative L2 of samples 0 to {SAMPLES - 2}: {error:.1e}")
