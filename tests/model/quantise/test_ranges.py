"""Range methods: what they tell must follow from what they were shown, in however many batches."""

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise.ranges import METHODS, range_method
from pointwise.model.quantise.ranges.histogram import BINS, ChannelHistogram
from pointwise.model.quantise.ranges.kl import KullbackLeibler
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.ranges.moving_average import MovingAverage
from pointwise.model.quantise.ranges.mse import MeanSquaredError
from pointwise.model.quantise.ranges.percentile import PERCENTILES, Percentile
from pointwise.model.quantise.statistics import TensorObserver

SEED = 11


@pytest.fixture
def values() -> torch.Tensor:
    """Four channels: normal, shifted, heavy-tailed, always zero."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    columns = rng.normal(0, 1, 4000), rng.normal(3, 0.5, 4000), rng.standard_t(2, 4000), np.zeros(4000)
    return torch.from_numpy(np.stack(columns, axis=1)).float()


def shown(method, values: torch.Tensor, batches: int):
    observer = method(values.shape[1])
    for part in values.chunk(batches):
        observer.update(part)
    return observer


@pytest.mark.parametrize("batches", [1, 7])
def test_minmax_is_the_full_range(values, batches):
    observer = shown(MinMax, values, batches)
    low, high = observer.min_max(symmetric=False)
    assert low.tolist() == values.amin(0).tolist()
    assert high.tolist() == values.amax(0).tolist()
    low, high = observer.min_max(symmetric=True)
    assert high.tolist() == values.abs().amax(0).tolist()
    assert low.tolist() == (-high).tolist()


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("symmetric", [False, True])
def test_every_method_stays_inside_the_full_range(values, name, symmetric):
    low, high = shown(range_method(name), values, 5).min_max(symmetric)
    least, most = shown(MinMax, values, 5).min_max(symmetric)
    assert (least <= low).all()
    assert (high <= most).all()
    assert (low <= high).all()


def rounding_error(values: np.ndarray, low: np.ndarray, high: np.ndarray, steps: int) -> np.ndarray:
    """Mean squared error of each channel after rounding to the integers of a range."""
    step = np.maximum(high - low, 1e-12) / steps
    index = np.clip(np.floor((values - low) / step + 0.5), 0, steps)
    return ((low + index * step - values) ** 2).mean(axis=0)


@pytest.mark.parametrize(("symmetric", "steps"), [(False, 255), (True, 254)])
def test_mse_clips_a_single_outlier_among_many(values, symmetric, steps):
    # Eight bits are many: only what is rare and far is worth clipping.
    values = values[:, :2].repeat(50, 1)
    values[77] = torch.tensor([8.0, 7.0])
    exact = values.double().numpy()
    best = rounding_error(exact, *shown(MeanSquaredError, values, 5).min_max(symmetric), steps)
    full = rounding_error(exact, *shown(MinMax, values, 5).min_max(symmetric), steps)
    assert (best < 0.9 * full).all()


@pytest.mark.parametrize(("symmetric", "steps"), [(False, 255), (True, 254)])
def test_mse_is_never_worse_than_the_full_range(values, symmetric, steps):
    exact = values.double().numpy()
    best = rounding_error(exact, *shown(MeanSquaredError, values, 5).min_max(symmetric), steps)
    full = rounding_error(exact, *shown(MinMax, values, 5).min_max(symmetric), steps)
    assert (best <= full * 1.02).all()


def test_histogram_counts_everything_while_it_widens(values):
    histogram = ChannelHistogram(4)
    for part in (values[:10] * 1e-3, values, values[:10] * 100):
        histogram.update(part)
    assert histogram.counts.sum(1).tolist() == [4020] * 4
    assert (histogram.width >= 100 * values[:10].abs().amax(0)).all()


def test_histogram_keeps_values_in_their_place():
    histogram = ChannelHistogram(1)
    histogram.update(torch.tensor([[1.0], [-1.0]]))
    histogram.update(torch.tensor([[3.0]]))
    assert histogram.width.item() == 4.0
    centres = histogram.centres()[0][histogram.counts[0] > 0]
    assert torch.allclose(centres, torch.tensor([-1.0, 1.0, 3.0], dtype=torch.float64), atol=8 / BINS)


def test_an_unknown_method_is_told_in_a_sentence():
    with pytest.raises(PointwiseError, match="method 'median'; choose one of kl, minmax, moving_average"):
        range_method("median")


@pytest.mark.parametrize("method", METHODS.values())
def test_a_range_of_zero_is_told_in_a_sentence(method):
    record = TensorObserver("blocks.0.attn.q", method(3))
    record.update(torch.zeros(5, 3))
    with pytest.raises(PointwiseError, match=r"The range of blocks\.0\.attn\.q is zero"):
        record.min_max(symmetric=True)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_told_in_a_sentence(bad):
    record = TensorObserver("logits", MinMax(2))
    with pytest.raises(PointwiseError, match="values of logits that are not finite"):
        record.update(torch.tensor([[1.0, bad]]))


def test_moments_are_those_of_all_batches(values):
    record = TensorObserver("x", MinMax(4))
    for part in values.chunk(3):
        record.update(part)
    exact = values.double()
    assert np.allclose(record.mean, exact.mean(0))
    assert np.allclose(record.mean_square, exact.square().mean(0))


def test_moving_average_weighs_the_last_batches_and_forgets_one_unusual_one():
    observer = MovingAverage(1)
    for largest in (1.0, 1.0, 9.0, 1.0):
        observer.update(torch.tensor([[largest], [-largest]]))
    expected = 0.9 * (0.9 * 1 + 0.1 * 9) + 0.1 * 1
    low, high = observer.min_max(symmetric=False)
    assert (low.item(), high.item()) == pytest.approx((-expected, expected))


def test_percentile_is_the_best_of_its_candidates(values):
    values = values[:, :2].repeat(250, 1)
    values[77] = torch.tensor([12.0, 9.0])
    observer = shown(Percentile, values, 3)
    low, high = observer.min_max(symmetric=False)
    chosen = rounding_error(values.double().numpy(), low, high, 255)
    full = rounding_error(values.double().numpy(), *shown(MinMax, values, 3).min_max(False), 255)
    assert (chosen < 0.5 * full).all()
    # The best leaves out hardly more than the one that is far off.
    beyond = ((values < torch.from_numpy(low)) | (values > torch.from_numpy(high))).float().mean(0)
    assert (beyond <= 2e-3).all() and (beyond > 0).all()


@pytest.mark.parametrize("share", [0.999, 0.99])
def test_a_percentile_leaves_out_its_share(values, share):
    observer = shown(Percentile, values[:, :1], 2)
    full = (torch.from_numpy(limit.copy()) for limit in shown(MinMax, values[:, :1], 2).min_max(False))
    low, high = observer._inside(*full, share, symmetric=False)
    inside = ((values[:, :1] >= low) & (values[:, :1] <= high)).float().mean().item()
    assert inside == pytest.approx(share, abs=3e-3)


def divergence_by_hand(counts: np.ndarray, values: np.ndarray, low: float, high: float, steps: int) -> float:
    """Of one channel, bin by bin in plain Python."""
    inside = [i for i, v in enumerate(values) if low <= v <= high and counts[i]]
    p = {i: float(counts[i]) for i in inside}
    p[inside[0]] += counts[values < low].sum()
    p[inside[-1]] += counts[values > high].sum()
    level = {i: int(np.floor((values[i] - low) / (high - low) * steps + 0.5)) for i in inside}
    q = {}
    for i in inside:
        same = [j for j in inside if level[j] == level[i]]
        q[i] = sum(float(counts[j]) for j in same) / len(same)
    all_p, all_q = sum(p.values()), sum(q.values())
    return sum(p[i] / all_p * np.log((p[i] / all_p) / (q[i] / all_q)) for i in inside)


@pytest.mark.parametrize("part", [1.0, 0.6, 0.3])
def test_divergence_is_that_of_the_distributions(values, part):
    observer = shown(KullbackLeibler, values[:, 2:3], 4)
    high = values[:, 2].abs().max().double() * part
    got = observer.divergence(-high[None], high[None], 254).item()
    histogram = observer._histogram
    counts, centres = histogram.counts[0].numpy(), histogram.centres()[0].numpy()
    assert got == pytest.approx(divergence_by_hand(counts, centres, -high.item(), high.item(), 254), rel=1e-9)


def test_kl_clips_a_single_value_far_off(values):
    values = values[:, :1].repeat(50, 1)
    values[77] = 40.0
    high = shown(KullbackLeibler, values, 3).min_max(symmetric=True)[1].item()
    assert 3 < high < 20


def test_squared_error_is_that_of_the_histogram(values):
    observer = shown(MeanSquaredError, values, 3)
    low, high = torch.tensor([-1.0, 2.5, -3.0, 0.0]), torch.tensor([1.5, 3.2, 4.0, 0.0])
    counts, centres = observer._histogram.counts.double(), observer._histogram.centres()
    low, high = low.double(), high.double()
    nearest = centres.clamp(low[:, None], high[:, None])
    inside = counts * (nearest == centres)
    expected = (counts * (centres - nearest) ** 2).sum(1) + inside.sum(1) * ((high - low) / 255) ** 2 / 12
    assert torch.allclose(observer.squared_error(low, high, 255), expected, rtol=1e-9)


def test_percentiles_are_shares():
    assert sorted(PERCENTILES, reverse=True) == list(PERCENTILES)
    assert PERCENTILES[0] == 100 and PERCENTILES[-1] > 50
