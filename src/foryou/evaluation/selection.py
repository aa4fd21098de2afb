"""Which sources are blended: those that held-out data say bring something, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foryou.models import blend
from foryou.models.topk import Ints, Lists

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """Names in the order chosen, one perhaps several times, and the mean gain that each brought."""

    names: tuple[str, ...]
    gains: tuple[float, ...]


def forward(
    lists: Mapping[str, Lists], judge: Callable[[Ints], Values], *, steps: int, k: int, threads: int = 1
) -> Chosen:
    """Greedy forward selection with replacement (Caruana et al. 2004) of sources blended with equal weights.

    judge: one value per viewer of ids [viewers, k]. The best source comes first, then `steps` - 1 times the one with
    which the blend is best, even where none helps: what counts is the best of the blends on the way, the shorter of
    equal ones. With replacement: a name chosen twice weighs double.
    """
    names: list[str] = []
    reached: list[float] = []
    for _ in range(steps):
        found = {name: judge(blended(lists, [*names, name], k, threads)[0]).mean() for name in sorted(lists)}
        names.append(max(found, key=found.__getitem__))
        reached.append(float(found[names[-1]]))
    length = 1 + int(np.argmax(reached))
    return Chosen(tuple(names[:length]), tuple(np.diff(reached[:length], prepend=0.0)))


def blended(lists: Mapping[str, Lists], names: list[str], k: int, threads: int = 1) -> Lists:
    """The lists of the sources named, blended by z-scores; a name that stands several times weighs as much."""
    once = sorted(set(names))
    weights = [float(names.count(name)) for name in once]
    ids, scores, _ = blend.blend_lists(
        [lists[name][0] for name in once], [lists[name][1] for name in once], k, weights=weights, threads=threads
    )
    return ids, scores
