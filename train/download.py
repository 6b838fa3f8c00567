"""How does a user get a dataset? Through kagglehub, and if that fails, by hand with these steps."""

import shutil
from pathlib import Path

from train.datasets import DatasetCard
from train.records import DatasetError


def download(card: DatasetCard, data: Path) -> int:
    """Put a dataset into `data / card.folder`. Raises DatasetError that lists the steps to do it by hand."""
    place = data / card.folder
    if not card.folder:
        print(f"{card.title} is drawn by Candor itself; there is nothing to download")
        return 0
    if place.exists():
        raise DatasetError(f"{place} exists already; move it away to download {card.title} again")
    if not card.kaggle:
        raise DatasetError(by_hand(card, place, "it is not on Kaggle"))
    try:
        import kagglehub

        found = Path(kagglehub.dataset_download(card.kaggle))
    except Exception as error:  # no network, no account, a withdrawn set: kagglehub has no common ancestor
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise DatasetError(by_hand(card, place, reason)) from error
    data.mkdir(parents=True, exist_ok=True)
    shutil.copytree(found, place)
    print(f"{card.title} is now at {place}")
    return 0


def by_hand(card: DatasetCard, place: Path, reason: str) -> str:
    """Return the steps for a person, and why they are needed."""
    return (
        f"{card.title} could not be downloaded ({reason}). By hand: 1. open {card.source} 2. download and unpack "
        f"the archive 3. move its content to {place} 4. run the command again"
    )
