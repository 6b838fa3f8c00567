"""What is asked of a method: one class of one prepared scan, by one model, against a clock?

A method is a generator: it yields a map as soon as it has a coarse one, and better ones after it. `refine`
takes them until the map is stable, the method has no more to give, or the time is over.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from model_zoo import Model, ModelError
from scans import resize
from scans.head import head_mask

STABLE = 0.97  # rank correlation of successive maps, twice in a row, at which refining ends
SETTLED = 0.995  # the same, for which once is enough
_CHUNK = 32  # scans a call of the runtime: as long as a cancel has to wait


class Cancelled(Exception):
    """Whoever asked does not want the answer any more."""


class _OutOfTime(Exception):
    pass


class RawMap(NamedTuple):
    """What a method yields: its own grid over the model's square, float32 (h', w'), signed.

    `evaluations` counts forward passes of single scans up to here, `done` is the share of the method's full
    effort, 1 where it has no more to give, and `notes` are findings of its own ("R2 0.81").
    """

    values: np.ndarray
    evaluations: int
    done: float = 1.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """How long an explanation may take, and who listens. `progress` gets a share in [0, 1]."""

    seconds: float = 30.0
    stable: float = STABLE
    progress: Callable[[float], object] = lambda share: None
    cancelled: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ModelError(f"a budget of {self.seconds:g} s is no time to explain in; give more than 0 seconds")


@dataclass
class Clock:
    """Counts from its making; `drafted` is set once there is a map that could be given."""

    budget: Budget
    started: float = field(default_factory=time.monotonic)
    drafted: bool = False

    def check(self) -> None:
        """Raise Cancelled, or end the refining where the time is over and there is a map to give."""
        if self.budget.cancelled():
            raise Cancelled
        if self.drafted and time.monotonic() - self.started >= self.budget.seconds:
            raise _OutOfTime


@dataclass(frozen=True, eq=False)
class Question:
    """`square` is float32 (h, w, c), made by `scans.fit` for this model; `target` is a place in the logits."""

    model: Model
    square: np.ndarray
    target: int
    seed: int = 0
    clock: Clock = field(default_factory=lambda: Clock(Budget()))

    def scores(self, batch: np.ndarray) -> np.ndarray:
        """Return the target's logits, float32 (N,), of a batch (N, h, w, c); may end the refining."""
        return self.logits(batch)[:, self.target]

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return all logits, float32 (N, K), of a batch (N, h, w, c); may end the refining."""
        parts = []
        for start in range(0, len(batch), _CHUNK):
            self.clock.check()
            parts.append(self.model.runtime.logits(batch[start : start + _CHUNK]))
        logits = np.concatenate(parts)
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.model.card.id} gave logits that are not finite; its weights may be broken")
        return logits

    @property
    def unit(self) -> np.ndarray:
        """The square as one picture in [0, 1], float32 (h, w): the mean of its channels."""
        low, high = self.model.card.input.value_range
        return ((self.square.mean(axis=-1) - low) / (high - low)).astype(np.float32)

    @property
    def head(self) -> np.ndarray:
        """Where the head is in the square, bool (h, w); everywhere, where none is found."""
        mask = head_mask(self.unit)
        return mask if mask.any() else np.ones_like(mask)


@dataclass(frozen=True)
class Refined:
    """The last map, why it is the last, and how well it agreed with the one before it."""

    raw: RawMap
    stopped: str  # "complete", "stable" or "time"
    stability: float | None  # Spearman within the head, -1 to 1; None where there was one map only


def refine(drafts: Iterator[RawMap], question: Question) -> Refined:
    """Take a method's maps until one is good enough.

    Each map of a sampling method rests on twice the samples of the one before; unless it is SETTLED, once is not
    enough to stop at, since two maps that share half their samples agree better than two from different seeds.
    How a run is cut off by time depends on the machine, and the result says so; everything else depends on the
    seed alone. Raises Cancelled.
    """
    clock, budget, head = question.clock, question.clock.budget, question.head
    last, agreement, agreed, stopped = None, None, 0, "complete"
    try:
        for draft in drafts:
            if last is not None:
                agreement = rank_agreement(last.values, draft.values, head)
                agreed = agreed + 1 if agreement >= budget.stable else 0
            last, clock.drafted = draft, True
            budget.progress(draft.done)
            if draft.done >= 1:
                break
            if agreed == 2 or (agreed and agreement >= SETTLED):
                stopped = "stable"
                break
            clock.check()
    except _OutOfTime:
        stopped = "time"
    return Refined(last, stopped, agreement)


def rank_agreement(first: np.ndarray, second: np.ndarray, head: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps within the head, -1 to 1; 0 where one of them is flat.

    The maps (h', w') are compared on the coarser of their grids; `head` is bool (h, w).
    """
    shape = min(first.shape, second.shape, key=np.prod)
    within = resize(head.astype(np.float32), shape) >= 0.5
    if within.sum() < 3:
        within = np.ones(shape, bool)
    a, b = (resize(np.asarray(values, np.float32), shape)[within] for values in (first, second))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float(np.array_equal(a, b))
    return float(spearmanr(a, b).statistic)
