"""An estimate is written the same everywhere."""

import pytest

from model_zoo import Estimate


@pytest.mark.parametrize(("digits", "text"), [(4, "0.9541 (0.9350 to 0.9710)"), (2, "0.95 (0.94 to 0.97)")])
def test_an_estimate_is_written_with_its_interval(digits, text):
    assert Estimate(0.9541, 0.935, 0.971, 620).decimal(digits) == text


@pytest.mark.parametrize(("digits", "text"), [(1, "95.4 % (93.5 to 97.1)"), (0, "95 % (94 to 97)")])
def test_a_share_is_written_in_per_cent(digits, text):
    assert Estimate(0.9541, 0.935, 0.971, 620).percent(digits) == text


@pytest.mark.parametrize(("share", "digits"), [(0.925, 0), (0.025, 0), (0.9625, 1), (0.9541, 1), (0.5, 0)])
def test_a_share_is_rounded_the_same_in_per_cent_and_as_a_decimal(share, digits):
    estimate = Estimate(share, share, share, 40)
    in_per_cent, decimal = (text.split()[0] for text in (estimate.percent(digits), estimate.decimal(digits + 2)))
    assert float(in_per_cent) == pytest.approx(100 * float(decimal))


def test_a_value_that_rounds_to_zero_has_no_sign():
    assert Estimate(-0.00001, -0.02, 0.00001, 3).decimal(2) == "0.00 (-0.02 to 0.00)"
