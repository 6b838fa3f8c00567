"""What leaks in a dataset? Twins across the split, copies within it, and labels that contradict."""

from collections import Counter, defaultdict
from pathlib import Path

from tqdm import tqdm

from train.datasets import DatasetCard, counts, version_found
from train.readers import read_records
from train.records import load
from train.twins import TWIN_BITS, hash_scan, twin_pairs, with_groups, with_twins


def audit(card: DatasetCard, data: Path) -> int:
    """Print counts, version, twins and contradicting labels of a dataset. Returns 0."""
    import numpy as np

    records = read_records(card, data)
    print(f"{card.title}\nversion: {version_found(records, card)}")
    for split, by_class in counts(records).items():
        print(f"{split:6} {sum(by_class.values()):6,}  " + "  ".join(f"{c} {n}" for c, n in by_class.items()))
    hashes = np.stack([hash_scan(load(record)) for record in tqdm(records, desc="hashing", mininterval=2)])
    records = with_twins(with_groups(records, hashes), hashes)

    test = [record for record in records if record.split == "test"]
    if test:
        twins = Counter(record.label for record in test if record.twin)
        share = sum(twins.values()) / len(test)
        print(
            f"{sum(twins.values())} of {len(test)} test scans ({share:.0%}) have a twin in training "
            f"(at most {TWIN_BITS} of 256 bits apart, mirror images included): "
            + ", ".join(f"{label} {number}" for label, number in twins.most_common())
        )
    groups = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    shared = [group for group in groups.values() if len(group) > 1]
    print(f"{len(records):,} scans in {len(groups):,} groups; {sum(map(len, shared)):,} of them have a near-duplicate")
    for i, j in twin_pairs(hashes, hashes):
        if i < j and records[i].label != records[j].label:
            print(f"contradicting labels: {records[i].id} and {records[j].id}")
    return 0
