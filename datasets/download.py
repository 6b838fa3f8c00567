"""How does a user get a dataset? Through kagglehub, and if that fails, by hand with these steps."""

import shutil
from contextlib import suppress
from pathlib import Path

from datasets.cards import DatasetCard
from datasets.records import DatasetError


def download(card: DatasetCard, data: Path) -> int:
    """Put a dataset into `data / card.folder`. Raises DatasetError that lists the steps to do it by hand.

    The folder is there whole or not at all: what is copied stands beside it until it is complete.
    """
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
    part = data / f".{card.folder}.part"
    shutil.rmtree(part, ignore_errors=True)  # of a download that was broken off
    try:
        shutil.copytree(found, part)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(f"{card.title} is now at {place}")
    return 0


def steps(card: DatasetCard, place: Path) -> tuple[str, ...]:
    """Return what a person does to put a dataset into `place`, in order."""
    return f"open {card.source}", "download and unpack the archive", f"move its content to {place}"


def by_hand(card: DatasetCard, place: Path, reason: str) -> str:
    """Return the steps for a person, and why they are needed."""
    told = " ".join(f"{n}. {step}" for n, step in enumerate((*steps(card, place), "run the command again"), 1))
    return f"{card.title} could not be downloaded ({reason}). By hand: {told}"


def offered(card: DatasetCard) -> tuple[int, str]:
    """Return bytes and licence of what Kaggle serves now, as Kaggle states them; asks over the network.

    Raises whatever kagglehub raises: it has no common ancestor.
    """
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = card.kaggle.split("/")
    with build_kaggle_client() as client:
        answer = client.datasets.dataset_api_client.get_dataset(request)
    return int(answer.total_bytes), str(answer.license_name)


def fetched(card: DatasetCard) -> int:
    """Return how many bytes of a running download have come; 0 once it is being unpacked, and before it begins."""
    from kagglehub.config import get_cache_folder

    sizes = []
    for archive in (Path(get_cache_folder()) / "datasets" / card.kaggle).glob("*.archive"):
        with suppress(OSError):  # unpacked and gone since it was listed
            sizes.append(archive.stat().st_size)
    return sum(sizes)
