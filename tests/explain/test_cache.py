"""The cache keeps finished explanations within its bytes, whoever else uses it."""

from threading import Barrier, Thread

import numpy as np
import pytest

from explain.cache import CACHE, Cache
from explain.explanation import Explanation
from tests.explain.conftest import explanation


def map_of(side: int = 10, raw_side: int = 0) -> Explanation:
    """An explanation whose maps take `4 * (side**2 + raw_side**2)` bytes."""
    return explanation(heat=np.ones((side, side), np.float32), raw=np.ones((raw_side, raw_side), np.float32))


def test_what_was_put_is_got_and_shared_and_cannot_be_changed():
    store, kept = Cache(), map_of()
    assert store.get("a") is None
    store.put("a", kept)
    assert store.get("a") is kept and store.get("b") is None
    with pytest.raises(ValueError, match="read-only"):
        store.get("a").heat[0, 0] = 2


def test_the_least_recently_used_make_room_until_the_bytes_fit():
    store = Cache(max_bytes=3 * 400)  # three maps of 10 x 10
    for key in "abc":
        store.put(key, map_of())
    assert store.get("a")
    store.put("d", map_of())
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]
    store.put("e", map_of(10, 10))  # counts twice: its raw map takes room, too
    assert [key for key in "acde" if store.get(key)] == ["d", "e"]


def test_an_explanation_larger_than_the_cache_is_not_kept_and_drives_nobody_out():
    store = Cache(max_bytes=400)
    store.put("small", map_of())
    store.put("large", map_of(11))
    assert store.get("small") and store.get("large") is None


def test_putting_the_same_key_again_replaces_and_does_not_count_twice():
    store, second = Cache(max_bytes=800), map_of()
    store.put("a", map_of())
    store.put("b", map_of())
    store.put("a", second)
    assert store.get("a") is second and store.get("b")


def test_clearing_forgets_all_and_gives_the_bytes_back():
    store = Cache(max_bytes=800)
    for _ in range(2):
        store.clear()
        store.put("a", map_of())
        store.put("b", map_of())
        assert store.get("a") and store.get("b")
    store.clear()
    assert store.get("a") is None and store.get("b") is None


def test_the_process_has_one_cache_of_256_mebibytes():
    assert isinstance(CACHE, Cache) and CACHE.max_bytes == 256 * 2**20


def test_eight_threads_at_once_never_get_another_s_map_of():
    store = Cache(max_bytes=5 * 400)  # five of eight fit, so that all the while some are forgotten
    mine, together, wrong = [map_of() for _ in range(8)], Barrier(8), []

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
