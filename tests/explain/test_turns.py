"""The order in which waiting jobs are taken, on cases small enough to work out by hand."""

from dataclasses import dataclass

import pytest

from explain.turns import in_turn


@dataclass(frozen=True, eq=False)
class Waiting:
    name: str
    users: dict[str, int]


def order(jobs: dict[str, dict[str, int]], served: dict[str, int] | None = None) -> str:
    """The names of `jobs` (name -> user -> turn of submission) in the order in which they are taken."""
    waiting = [Waiting(name, users) for name, users in jobs.items()]
    turn = max([0, *(served or {}).values(), *(at for users in jobs.values() for at in users.values())])
    return " ".join(job.name for job in in_turn(waiting, served or {}, turn))


@pytest.mark.parametrize(
    ("jobs", "served", "expected"),
    [
        ({}, {}, ""),
        ({"a1": {"ann": 2}, "a2": {"ann": 1}}, {}, "a2 a1"),  # of one user, the first submitted
        ({"a1": {"ann": 1}, "a2": {"ann": 2}, "b1": {"bob": 3}}, {}, "a1 b1 a2"),  # users take turns
        ({"a1": {"ann": 1}, "b1": {"bob": 2}}, {"ann": 3}, "b1 a1"),  # ann was served last
        ({"a1": {"ann": 1}, "b1": {"bob": 5}}, {"ann": 3}, "a1 b1"),  # bob submitted after that
        ({"a1": {"ann": 1}, "b1": {"bob": 2}}, {"ann": 4, "bob": 3}, "b1 a1"),  # the longest since their last turn
        ({"a1": {"ann": 1}, "b1": {"bob": 2}, "ab": {"ann": 3, "bob": 4}}, {}, "a1 b1 ab"),
        # A shared job comes at the earliest turn of its users, and is a turn of each.
        ({"a1": {"ann": 1, "cy": 5}, "b1": {"bob": 2}, "a2": {"ann": 3}, "c1": {"cy": 4}}, {}, "a1 b1 a2 c1"),
        ({"b1": {"bob": 2}, "ac": {"ann": 3, "cy": 4}}, {"ann": 6}, "b1 ac"),
    ],
)
def test_jobs_are_taken_in_turn(jobs, served, expected):
    assert order(jobs, served) == expected


def test_neither_the_jobs_nor_the_turns_served_are_changed():
    waiting, served = [Waiting("b", {"bob": 2}), Waiting("a", {"ann": 1})], {"bob": 0}
    assert [job.name for job in in_turn(waiting, served, 2)] == ["a", "b"]
    assert [job.name for job in waiting] == ["b", "a"] and served == {"bob": 0}
