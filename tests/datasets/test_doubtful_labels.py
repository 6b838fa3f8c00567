"""Labels in doubt are of scans that exist, say what is seen, and fit the class that the scan has."""

import os
from pathlib import Path

import pytest

from datasets.doubtful_labels import DOUBTFUL_LABELS, SEEN, doubtful_labels


def test_a_lesion_is_seen_only_where_the_label_denies_one_and_nothing_only_where_it_names_one():
    assert len(doubtful_labels()) == len(DOUBTFUL_LABELS.read_text().splitlines()) - 1 > 0
    for scan, seen in doubtful_labels().items():
        assert seen in SEEN and (seen == "lesion") == ("/notumor/" in scan), scan


@pytest.mark.data
@pytest.mark.skipif("CANDOR_DATA" not in os.environ, reason="the real scans are not here: CANDOR_DATA is unset")
def test_every_scan_in_doubt_is_in_the_collections():
    assert [scan for scan in doubtful_labels() if not (Path(os.environ["CANDOR_DATA"]) / scan).is_file()] == []
