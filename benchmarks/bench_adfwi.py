"""Inverting a sample of salt against ADFWI's optimiser loop, to the same final misfit.

    python benchmarks/bench_adfwi.py [--iterations 8]

Needs ADFWI, which is not a dependency: `pip install ADFWI-Torch==0.1.2`; without it nothing is measured.

ADFWI inverts data that its own propagator makes of the true map (a staggered grid of fourth order, whose stable time
step is half of the survey's), with the recipe of its examples: Adam, L2 of normalised traces, gradients scaled by the
illumination and to the largest velocity. Both start from the mean of four maps. Misfits are those of the maps that
were found, simulated by our propagator for all shots. Ours takes as many iterations of each band as its misfit needs to
be no larger.
"""

import argparse
import contextlib
import io
import os
from functools import partial

import numpy as np
import torch
from bench_inversion import TRIED, misfit, pool
from measuring import Benchmark

from fwibench.datasets.salt.dataset import PROBLEM, _volume
from fwibench.physics.parallel import simulate_each
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import SeismicSurvey

FINER = 2
"""Time steps of ADFWI in a sample of the survey."""
RATE, ABSORBING, SEGMENTS = 10.0, 30, 8


class Loop:
    """ADFWI's inversion of the data of a map, made by its own propagator.

    Args:
        velocity: True map `(1, Z, X)` [m/s].
        start: Start model `(1, Z, X)` [m/s].
    """

    def __init__(self, velocity: np.ndarray, start: np.ndarray) -> None:
        from ADFWI import survey as adfwi

        survey = PROBLEM.survey
        fine = SeismicSurvey(**(dict(survey) | {"nt": FINER * survey.nt, "dt": survey.dt / FINER}))
        time = {"nt": fine.nt, "dt": fine.dt}
        source, receiver = adfwi.Source(**time, f0=survey.wavelet.frequency), adfwi.Receiver(**time)
        spacing = PROBLEM.grid.spacing
        # its equations are of first order, so that the integral gives the data of our wavelet up to a factor
        signal = np.cumsum(sample_wavelet(fine)) * fine.dt
        for point in survey.sources:
            place = {"src_x": round(point.x / spacing), "src_z": round(point.z / spacing)}
            source.add_source(**place, src_wavelet=signal, src_type="mt", src_mt=np.eye(3))
        for point in survey.receivers:
            receiver.add_receiver(rcv_x=round(point.x / spacing), rcv_z=round(point.z / spacing), rcv_type="pr")
        self._survey = adfwi.Survey(source=source, receiver=receiver)
        self._start = start[0]
        with torch.no_grad():
            traces = self._propagator(velocity[0]).forward(checkpoint_segments=SEGMENTS)
        self._observed = adfwi.SeismicData(self._survey)
        self._observed.record_data({name: traces[name] for name in "puw"})

    def _propagator(self, velocity: np.ndarray) -> "torch.nn.Module":
        from ADFWI.model import AcousticModel
        from ADFWI.propagator import AcousticPropagator

        grid, bounds = PROBLEM.grid, PROBLEM.property
        model = AcousticModel(
            *(0, 0, grid.nx, grid.nz, grid.spacing, grid.spacing, velocity, np.full_like(velocity, 1000.0)),
            vp_bound=[bounds.low, bounds.high],
            vp_grad=True,
            auto_update_rho=False,
            nabc=ABSORBING,
        )
        return AcousticPropagator(model, self._survey, device="cpu")

    def __call__(self, iterations: int) -> np.ndarray:
        """Return the map `(1, 1, Z, X)` after some iterations [m/s]."""
        from ADFWI.fwi import AcousticFWI
        from ADFWI.fwi.misfit import Misfit_waveform_L2
        from ADFWI.propagator import GradProcessor

        propagator = self._propagator(self._start)
        optimiser = torch.optim.Adam(propagator.model.parameters(), lr=RATE)
        loop = AcousticFWI(
            propagator=propagator,
            model=propagator.model,
            optimizer=optimiser,
            scheduler=torch.optim.lr_scheduler.StepLR(optimiser, step_size=100, gamma=0.75),
            loss_fn=Misfit_waveform_L2(dt=PROBLEM.survey.dt / FINER),
            obs_data=self._observed,
            gradient_processor=GradProcessor(),
            waveform_normalize=True,
            cache_result=False,
        )
        # bars of progress
        with contextlib.redirect_stderr(io.StringIO()):
            loop.forward(iteration=iterations, checkpoint_segments=SEGMENTS)
        return propagator.model.vp.detach().numpy()[None, None].copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=8)
    given = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    try:
        import ADFWI.fwi  # noqa: F401
    except ImportError as error:
        print(f"left out: {error}; pip install ADFWI-Torch==0.1.2")
        return
    maps = [_volume(0)[10 * i][None].astype(np.float32) for i in range(4)]
    start, wanted = np.mean(maps, axis=0), maps[:1]
    measurements = np.stack(list(simulate_each(wanted, PROBLEM)))
    loop = Loop(wanted[0], start)
    with Benchmark("adfwi", "Inverting a sample of salt against ADFWI's loop") as bench:
        theirs = loop(given.iterations)
        reached = misfit(theirs, measurements)
        bench.note("misfit of the start", misfit(start[None], measurements), "of the energy")
        bench.note(f"misfit after {given.iterations} iterations of ADFWI", reached, "of the energy")
        for needed in TRIED:
            found = pool(measurements, start, iterations=needed)
            if misfit(found, measurements) <= reached:
                break
        bench.note(
            f"misfit after {needed} iterations of each of our bands", misfit(found, measurements), "of the energy"
        )
        for name, one in {"start": start[None], "ADFWI's map": theirs, "our map": found}.items():
            bench.note(f"error of {name}", float(np.abs(one - wanted[0]).mean()), "m/s")
        ways = {"ours": partial(pool, measurements, start, iterations=needed), "ADFWI": partial(loop, given.iterations)}
        bench.compare("to the same misfit", ways, rounds=1)


if __name__ == "__main__":
    main()
