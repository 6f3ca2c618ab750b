import pytest
import torch
from fwibench_auto_linear import AutoLinearOptions
from fwibench_auto_linear.autoencoder import MaskedAutoencoder
from fwibench_auto_linear.patches import Patches, map_patches, measurement_patches
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

SMALL = AutoLinearOptions(width=16, heads=2, layers=1, latent=3)


def test_patches_of_openfwi_are_those_of_hint() -> None:
    assert measurement_patches((5, 1000, 70), 70) == Patches((5, 1000, 70), (100, 10))
    assert map_patches((70, 70), 49) == Patches((1, 70, 70), (10, 10))


@pytest.mark.parametrize("shape", [(40, 60), (401, 141), (351, 601), (7, 90)])
def test_number_of_patches_is_about_that_of_the_option(shape: tuple[int, int]) -> None:
    assert 40 <= map_patches(shape, 49).count <= 70


def test_axis_shorter_than_its_patches_has_one_patch_per_entry() -> None:
    assert measurement_patches((1, 6, 3), 70).grid == (6, 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 80))
def test_joined_patches_are_the_image(height: int, width: int, count: int) -> None:
    images = torch.randn(2, 3, height, width)
    patches = measurement_patches((3, height, width), count)
    divided = patches.divide(images)
    assert divided.shape == (2, patches.count, patches.entries)
    torch.testing.assert_close(patches.join(divided), images, rtol=0, atol=0)


def test_a_patch_is_a_block_of_the_image() -> None:
    images = torch.arange(24.0).reshape(1, 1, 4, 6)
    divided = Patches((1, 4, 6), (2, 3)).divide(images)
    torch.testing.assert_close(divided[0, 3], images[0, 0, 2:, 3:].flatten())


def autoencoder(**options: object) -> MaskedAutoencoder:
    torch.manual_seed(0)
    return MaskedAutoencoder(map_patches((20, 30), 12), SMALL.model_copy(update=options))


def test_hidden_patches_do_not_change_latents_of_visible_ones() -> None:
    model, images = autoencoder(), torch.randn(2, 1, 20, 30)
    visible = torch.tensor([[0, 5, 7], [3, 1, 9]])
    patches = model.patches.divide(images)
    kept = torch.zeros(patches.shape[:2], dtype=torch.bool).scatter(1, visible, value=True)
    changed = model.patches.join(torch.where(kept[..., None], patches, torch.randn_like(patches)))
    before, after = model.encode_visible(images, visible), model.encode_visible(changed, visible)
    torch.testing.assert_close(before, after, rtol=0, atol=0)
    assert not torch.allclose(model.encode(images), model.encode(changed))


def test_every_patch_visible_gives_the_latents_of_prediction() -> None:
    model, images = autoencoder(), torch.randn(2, 1, 20, 30)
    order = torch.randperm(model.patches.count).expand(2, -1)
    latents = model.encode(images).unflatten(1, (model.patches.count, -1))
    torch.testing.assert_close(model.encode_visible(images, order), latents[:, order[0]])
    open_model = autoencoder(masking=0.0)
    torch.testing.assert_close(open_model.restore(images), open_model.decode(open_model.encode(images)))


@pytest.mark.parametrize(("masking", "visible"), [(0.0, 12), (0.5, 6), (0.75, 3), (0.99, 1)])
def test_masking_is_the_share_of_hidden_patches(masking: float, visible: int) -> None:
    assert autoencoder(masking=masking).visible == visible


def test_gradient_reaches_every_weight() -> None:
    model = autoencoder()
    model.restore(torch.randn(2, 1, 20, 30)).square().sum().backward()
    # with one patch visible in a block the attention's keys still have gradients of other samples
    assert all(weight.grad is not None for weight in model.parameters())


def test_width_must_be_a_multiple_of_heads() -> None:
    with pytest.raises(ValidationError, match="width=100 is no multiple of heads=16"):
        AutoLinearOptions(width=100)
