"""Whose turn it is: the order in which waiting jobs are taken.

Next is the user who has waited longest since a job of theirs last started, or, with none started yet, since they
submitted one; of one user's jobs, the one submitted first. A shared job is taken at the earliest turn of its users, and
counts as a turn of each.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol


class Waiting(Protocol):
    """A waiting job: `users` maps each of its users to the turn of their submission."""

    users: Mapping[str, int]


def in_turn(waiting: Iterable[Waiting], served: Mapping[str, int], turn: int) -> list:
    """Return the waiting jobs in the order in which they are taken if nobody else submits or leaves.

    `served` maps a user to the turn at which a job of theirs last started; `turn` is the latest turn.
    """
    left, served, order = list(waiting), dict(served), []
    while left:
        job = min(left, key=lambda job: min((max(served.get(user, 0), at), at) for user, at in job.users.items()))
        left.remove(job)
        order.append(job)
        turn += 1
        served |= dict.fromkeys(job.users, turn)
    return order
