"""The cache keeps finished explanations within its bytes, whoever else uses it."""

from threading import Barrier, Thread

import numpy as np
import pytest

from explain.cache import CACHE, Cache
from explain.explanation import Explanation


def explanation(side: int = 10, raw_side: int = 0) -> Explanation:
    """An explanation whose maps take `4 * (side**2 + raw_side**2)` bytes."""
    return Explanation(
        heat=np.ones((side, side), np.float32),
        raw=np.ones((raw_side, raw_side), np.float32),
        method="rise",
        engine="masks",
        unit="logits",
        model="tiny-phantom4",
        weights="0" * 64,
        target="glioma",
        predicted="glioma",
        probabilities=(0.9, 0.1),
        probability=0.9,
        scan="a" * 64,
        slice=0,
        plane="axial",
        settings=(),
        seed=0,
        seconds=1.0,
        evaluations=1,
    )


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
