import torch
from fwibench_latent_unet.arrangements import FoldedImage
from hypothesis import given, settings
from hypothesis import strategies as st


def test_every_value_has_its_place_in_the_folded_image() -> None:
    sources, samples, receivers, (rows, columns) = 5, 12, 6, (4, 10)
    measurement = torch.arange(sources * samples * receivers).reshape(1, sources, samples, receivers)
    fold = FoldedImage((sources, samples, receivers), (rows, columns))
    (height, width), image = fold.block, fold(measurement)
    assert (height, width) == (3, 3)
    assert image.shape == (1, fold.channels, rows, columns) == (1, 9, 4, 10)
    for shot in range(sources):
        for sample in range(samples):
            for receiver in range(receivers):
                row, (column, inside) = sample // height, divmod(shot * receivers + receiver, width)
                channel = sample % height * width + inside
                assert image[0, channel, row, column] == measurement[0, shot, sample, receiver]


def test_axes_of_the_openfwi_image_are_those_of_the_map() -> None:
    fold = FoldedImage((5, 1000, 70), (70, 70))
    assert fold.block == (15, 5)
    # a trace is constant, so a node holds the traces of its five columns
    shots = torch.arange(5.0)[None, :, None, None].expand(1, 5, 1000, 70)
    assert (fold(shots)[0, :, 0].mean(0) == torch.arange(5.0).repeat_interleave(14)).all()
    times = torch.arange(1000.0)[None, None, :, None].expand(1, 5, 1000, 70)
    depths = fold(times)[0, :, :, 0].unflatten(0, (15, 5))[:, 0].T.flatten()
    assert len(depths) == 1050
    assert (depths.diff() >= 0).all()
    assert set(depths.tolist()) == set(range(1000))


@settings(max_examples=25, deadline=None)
@given(st.tuples(*(st.integers(1, end) for end in (4, 40, 12, 20, 20))))
def test_no_value_is_lost_or_changed(sizes: tuple[int, ...]) -> None:
    shape, latent = sizes[:3], sizes[3:]
    measurement = torch.arange(float(torch.Size(shape).numel())).reshape(1, *shape)
    fold = FoldedImage(shape, latent)
    image = fold(measurement)
    assert image.shape == (1, fold.channels, *latent)
    assert torch.equal(image.unique(), measurement.unique())
