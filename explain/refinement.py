"""Progressive refinement: what a method is given, and when its map is good enough.

A method is a generator: it yields a map as soon as it has a coarse one, and better ones after it. `refine`
takes them until the map is stable, the method has no more to give, or the time limit is reached.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from explain.work_time import WorkTime
from model_zoo import Model
from scans import resize
from scans.head import head_mask

STABLE = 0.97  # rank correlation with the map of at most half the samples, twice in a row, at which refinement ends
CONVERGED = 0.995  # the same, for which once is enough
UNCONVERGED = 0.9  # the same, below which a map at full effort has not converged
SECONDS = 30.0  # time limit of a map unless the request names another, in seconds of its own work
_CHUNK = 32  # scans per call of the runtime: as long as a cancel has to wait


class Cancelled(Exception):
    """Raised when a request is cancelled."""


class _OutOfTime(Exception):
    pass


class RawMap(NamedTuple):
    """What a method yields: its own grid over the model's square, float32 (h', w'), signed.

    `evaluations` counts forward passes of single scans up to here, `done` is the share of the method's full
    effort, 1 where it has no more to give, and `notes` are what it reports of its own fit ("R2 0.81"). `refine` adds
    why it stopped there, "complete", "stable" or "time", and how well the map agrees with that of at most half its
    samples: Spearman within the head, -1 to 1, None where there was no such map.
    """

    values: np.ndarray
    evaluations: int
    done: float = 1.0
    notes: tuple[str, ...] = ()
    stopped: str = "complete"
    stability: float | None = None


@dataclass
class Clock:
    """The time limit of one explanation, with its callbacks, made in the thread that refines.

    `seconds` is the limit of its `work`, in which waiting for others does not count, `stable` the rank correlation at
    which refinement ends. `progress` gets a share in [0, 1].
    `drafted` is set once there is a map that could be returned.
    """

    seconds: float = SECONDS
    stable: float = STABLE
    progress: Callable[[float], object] = lambda share: None
    cancelled: Callable[[], bool] = lambda: False
    work: WorkTime = field(default_factory=WorkTime)
    drafted: bool = False

    def check(self) -> None:
        """Raise Cancelled, or end the refinement where the time is over and there is a map to return."""
        if self.cancelled():
            raise Cancelled
        if self.drafted and self.work.seconds >= self.seconds:
            raise _OutOfTime


@dataclass(frozen=True, eq=False)
class MethodInput:
    """The input of a method: one class of one prepared scan and model.

    `square` is float32 (h, w, c), made by `scans.fit` for this model; `target` is the index of the class in the logits.
    """

    model: Model
    square: np.ndarray
    target: int
    seed: int = 0
    clock: Clock = field(default_factory=Clock)

    def scores(self, batch: np.ndarray) -> np.ndarray:
        """Return the target's logits, float32 (N,), of a batch (N, h, w, c); may end the refinement."""
        return self.logits(batch)[:, self.target]

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return all logits, float32 (N, K), of a batch (N, h, w, c); may end the refinement."""
        parts = []
        for start in range(0, len(batch), _CHUNK):
            self.clock.check()
            chunk = batch[start : start + _CHUNK]
            with self.clock.work.of_pass(self.model.runtime, len(chunk)):
                parts.append(self.model.runtime.logits(chunk))
        return self.model.finite(np.concatenate(parts), "logits")

    @property
    def unit(self) -> np.ndarray:
        """The square as a grey picture in [0, 1], float32 (h, w): the mean of its channels."""
        low, high = self.model.card.input.value_range
        return ((self.square.mean(axis=-1) - low) / (high - low)).astype(np.float32)

    @property
    def head(self) -> np.ndarray:
        """The mask of the head in the square, bool (h, w); all True where no head is found."""
        mask = head_mask(self.unit)
        return mask if mask.any() else np.ones_like(mask)


def refine(drafts: Iterator[RawMap], given: MethodInput) -> RawMap:
    """Return the first map of a method that is good enough, or its last.

    Each map is compared with the latest that rests on at most half its samples, or with the one before where there is
    none: of two maps that share most of their samples even noise agrees. Unless it has CONVERGED, one agreement is not
    enough to stop at, since two maps that share half their samples agree better than two from different seeds.
    Where the time limit cuts a run off depends on the machine, and the result says so; everything else depends on the
    seed alone. Raises Cancelled.
    """
    clock, head = given.clock, given.head
    made, stability, agreed, stopped = [], None, 0, "complete"
    try:
        for draft in drafts:
            if made:
                half = next((each for each in reversed(made) if each.done <= draft.done / 2), None)
                agreement = rank_agreement((half or made[-1]).values, draft.values, head)
                stability = agreement if half else None
                agreed = agreed + 1 if agreement >= clock.stable else 0
            made.append(draft)
            clock.drafted = True
            clock.progress(draft.done)
            if draft.done >= 1:
                break
            if agreed == 2 or (agreed and agreement >= CONVERGED):
                stopped = "stable"
                break
            clock.check()
    except _OutOfTime:
        stopped = "time"
    return made[-1]._replace(stopped=stopped, stability=stability)


def rank_agreement(first: np.ndarray, second: np.ndarray, head: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps within the head, -1 to 1; 0 where only one of them is flat.

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
