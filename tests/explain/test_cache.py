"""Is an explanation found again for the very same question, and for no other?"""

from dataclasses import replace
from threading import Barrier, Thread

import numpy as np
import pytest

from explain import cache
from explain.cache import CACHE, Cache, question_key
from explain.explanation import Explanation
from model_zoo import ModelCard
from scans import InputSpec, Scan

CARD = ModelCard(
    id="tiny-phantom4",
    title="A card without weights",
    task="phantom4",
    classes=("glioma", "notumor"),
    names=("Glioma", "No tumour"),
    input=InputSpec(32, 32),
    tap="last",
    parameters=1,
    recipe={},
    dataset="none",
    dataset_version="none",
    fingerprint="0" * 64,
    scans={},
    weights_sha256="0" * 64,
    weights_bytes=1,
    temperature=1.0,
    licence="Apache-2.0",
    scores=(),
    limits=(),
)
PIXELS = np.random.default_rng(0).random((512, 640), dtype=np.float32)
SCAN = Scan(PIXELS, digest="a" * 64, plane="axial")
ASKED = {"method": "rise", "engine": "masks", "target": "glioma", "seed": 0, "seconds": 30.0}


def key_of(card: ModelCard = CARD, scan: Scan = SCAN, **changes) -> str:
    return question_key(card, scan, **ASKED | changes)


def explanation(side: int = 10, raw_side: int = 0) -> Explanation:
    """An explanation whose maps take `4 * (side**2 + raw_side**2)` bytes."""
    return Explanation(
        heat=np.ones((side, side), np.float32),
        raw=np.ones((raw_side, raw_side), np.float32),
        method="rise",
        engine="masks",
        unit="logits",
        model=CARD.id,
        weights=CARD.weights_sha256,
        target="glioma",
        predicted="glioma",
        probabilities=(0.9, 0.1),
        probability=0.9,
        scan=SCAN.digest,
        slice=0,
        plane="axial",
        settings=(),
        seed=0,
        seconds=1.0,
        evaluations=1,
    )


def test_the_same_question_has_the_same_key_whichever_objects_ask_it():
    again = key_of(replace(CARD), replace(SCAN, pixels=PIXELS.copy()), seconds=30, seed=np.int64(0))
    assert again == key_of() and len(again) == 64


@pytest.mark.parametrize("place", [(0, 0), (255, 320), (511, 639)])
def test_two_scans_that_differ_in_one_pixel_have_different_keys(place):
    pixels = PIXELS.copy()
    pixels[place] = np.nextafter(pixels[place], np.float32(2))
    assert key_of(scan=replace(SCAN, pixels=pixels)) != key_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": PIXELS.reshape(640, 512)},
        {"window": (0.0, 0.5)},
        {"spacing": (1.0, 0.5)},
        {"digest": "b" * 64},
        {"index": 1},
        {"plane": "sagittal"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_scan_is_changes_the_key(changes):
    assert key_of(scan=replace(SCAN, **changes)) != key_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other-phantom4"},
        {"weights_sha256": "1" * 64},
        {"classes": ("notumor", "glioma")},
        {"names": ("Glioma", "Healthy")},
        {"input": InputSpec(32, 32, crop=False)},
        {"input": InputSpec(32, 32, value_range=(-1.0, 1.0))},
        {"tap": "first"},
        {"temperature": 1.5},
    ],
    ids=str,
)
def test_what_a_model_is_changes_the_key(changes):
    assert key_of(card=replace(CARD, **changes)) != key_of()


@pytest.mark.parametrize(
    "changes",
    [{"method": "lime"}, {"engine": "lime"}, {"target": "notumor"}, {"seed": 1}, {"seconds": 10.0}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_asked_changes_the_key(changes):
    assert key_of(**changes) != key_of()


def test_words_that_only_run_together_alike_have_different_keys():
    assert key_of(method="a", engine="bc") != key_of(method="ab", engine="c")


def test_what_neither_map_nor_manifest_tells_leaves_the_key_alone():
    card = replace(CARD, title="Renamed", limits=("None known.",), licence="MIT")
    assert key_of(card, replace(SCAN, notes=("Not an MR scan.",), sequence="T1")) == key_of()


def test_a_new_version_of_the_formulas_has_new_keys(monkeypatch):
    before = key_of()
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    assert key_of() != before


def test_what_was_put_is_got_and_shared_and_cannot_be_changed():
    store, found = Cache(), explanation()
    assert store.get("a") is None
    store.put("a", found)
    assert store.get("a") is found and store.get("b") is None
    with pytest.raises(ValueError, match="read-only"):
        store.get("a").heat[0, 0] = 2


def test_the_least_recently_used_make_room_until_the_bytes_fit():
    store = Cache(max_bytes=3 * 400)  # three maps of 10 x 10
    for key in "abc":
        store.put(key, explanation())
    assert store.get("a")
    store.put("d", explanation())
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]
    store.put("e", explanation(10, 10))  # counts twice: its raw map takes room, too
    assert [key for key in "acde" if store.get(key)] == ["d", "e"]


def test_an_explanation_larger_than_the_cache_is_not_kept_and_drives_nobody_out():
    store = Cache(max_bytes=400)
    store.put("small", explanation())
    store.put("large", explanation(11))
    assert store.get("small") and store.get("large") is None


def test_putting_the_same_key_again_replaces_and_does_not_count_twice():
    store, second = Cache(max_bytes=800), explanation()
    store.put("a", explanation())
    store.put("b", explanation())
    store.put("a", second)
    assert store.get("a") is second and store.get("b")


def test_clearing_forgets_all_and_gives_the_bytes_back():
    store = Cache(max_bytes=800)
    for _ in range(2):
        store.clear()
        store.put("a", explanation())
        store.put("b", explanation())
        assert store.get("a") and store.get("b")
    store.clear()
    assert store.get("a") is None and store.get("b") is None


def test_the_process_has_one_cache_of_256_mebibytes():
    assert isinstance(CACHE, Cache) and CACHE.max_bytes == 256 * 2**20


def test_eight_threads_at_once_never_get_another_s_explanation():
    store = Cache(max_bytes=5 * 400)  # five of eight fit, so that all the while some are forgotten
    mine, together, wrong = [explanation() for _ in range(8)], Barrier(8), []

    def ask(n: int) -> None:
        together.wait()
        for _ in range(200):
            store.put(str(n), mine[n])
            wrong.extend(k for k in range(8) if store.get(str(k)) not in (None, mine[k]))

    threads = [Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for n in range(5):  # the count of bytes is still true: five fit
        store.put(str(n), mine[n])
    assert [n for n in range(8) if store.get(str(n))] == [0, 1, 2, 3, 4]
