"""Whose turn it is: the order in which waiting jobs are taken.

The user's who has waited longest since a job of theirs was last started, or, with none started yet, since they asked;
of one user's jobs, the one asked for first. A shared job is taken at the earliest turn of those who share it, and
counts as a turn of each.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Waiting(Protocol):
    """A waiting job: `users` maps each user who asked for it to when they asked, on the queue's count of turns."""

    users: Mapping[str, int]


def in_turn(waiting: Iterable[Waiting], served: Mapping[str, int], turn: int) -> list:
    """Return the waiting jobs in the order they are taken if nobody else asks or leaves.

    `served` is the turn at which a job of each user was last started, `turn` the latest turn there was.
    """
    left, served, order = list(waiting), dict(served), []
    while left:
        job = min(left, key=lambda job: min((max(served.get(user, 0), at), at) for user, at in job.users.items()))
        left.remove(job)
        order.append(job)
        turn += 1
        served |= dict.fromkeys(job.users, turn)
    return order
