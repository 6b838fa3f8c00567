"""Download of a dataset through kagglehub, and the steps to get it by hand where that fails."""

import shutil
from contextlib import suppress
from pathlib import Path

from datasets.cards import DatasetCard
from datasets.cohorts import COHORTS, POOLED_COHORTS
from datasets.records import DatasetError


def download(card: DatasetCard, data: Path) -> int:
    """Put a dataset into `data / card.folder`. Raises DatasetError that lists the manual steps, or a pool's datasets.

    The folder is there completely or not at all: files are copied to a folder beside it and moved when complete.
    """
    place = data / card.folder
    if card.pooled:
        tasks = dict.fromkeys(COHORTS[name].task for name in POOLED_COHORTS)
        raise DatasetError(f"{card.title} are several collections; download each: {', '.join(tasks)}")
    if not card.folder:
        print(f"{card.title} consists of Candor's own phantoms; there is nothing to download")
        return 0
    if place.exists():
        raise DatasetError(f"{place} exists already; move it away to download {card.title} again")
    if not card.kaggle:
        raise DatasetError(_by_hand(card, place, "it is not on Kaggle"))
    try:
        import kagglehub

        cached = Path(kagglehub.dataset_download(card.kaggle))
    except Exception as error:  # no network, no account, a withdrawn set: kagglehub's errors have no common base
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise DatasetError(_by_hand(card, place, reason)) from error
    data.mkdir(parents=True, exist_ok=True)
    part = data / f".{card.folder}.part"
    shutil.rmtree(part, ignore_errors=True)  # of an interrupted download
    try:
        shutil.copytree(cached, part)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(f"{card.title} is now at {place}")
    return 0


def manual_steps(card: DatasetCard, place: Path) -> tuple[str, ...]:
    """Return the steps to put a dataset into `place` by hand, in order."""
    return f"open {card.source}", "download and unpack the archive", f"move its content to {place}"


def _by_hand(card: DatasetCard, place: Path, reason: str) -> str:
    """Return the manual steps, and why they are needed."""
    numbered = " ".join(
        f"{n}. {step}" for n, step in enumerate((*manual_steps(card, place), "run the command again"), 1)
    )
    return f"{card.title} could not be downloaded ({reason}). By hand: {numbered}"


def kaggle_offer(card: DatasetCard) -> tuple[int, str]:
    """Return size in bytes and licence of what Kaggle serves now, asked over the network.

    Raises whatever kagglehub raises: its errors have no common base.
    """
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = card.kaggle.split("/")
    with build_kaggle_client() as client:
        reply = client.datasets.dataset_api_client.get_dataset(request)
    return int(reply.total_bytes), str(reply.license_name)


def downloaded_bytes(card: DatasetCard) -> int:
    """Return how many bytes of a running download have arrived; 0 before it starts and while it is unpacked."""
    from kagglehub.config import get_cache_folder

    sizes = []
    for archive in (Path(get_cache_folder()) / "datasets" / card.kaggle).glob("*.archive"):
        with suppress(OSError):  # unpacked and deleted since it was listed
            sizes.append(archive.stat().st_size)
    return sum(sizes)
