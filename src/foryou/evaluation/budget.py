"""How much a benchmark may try, and how large its models may be: by counts, never by the clock or the name of a split.

The defaults are for splits of up to 140,000 users, 50,000 items and 10 million pairs, in ten minutes on 2 cores and
within 16 GiB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from foryou.models import graph
from foryou.models.families import Family

LENGTH = 200
"""Items that each source lists, and over which its scores are standardised (DESIGN §7, blend)."""

_BYTES_A_PLACE = 8


@dataclass(frozen=True)
class Budget:
    """What may be spent; work is in products added up."""

    trials: int = 16
    """Points tried of a family of factors; with three parameters so many come within 1 % of the best."""
    table_trials: int = 10
    """Points tried of any other family."""
    search_factors: int = 64
    rounds: int = 10
    """Of alternating least squares, in searches and in final fits."""
    search_work: float = 6e9
    """Pairs x factors x rounds of all searches of factors: about a minute."""
    final_work: float = 1.5e10
    """The same of all final fits of factors: about two minutes."""
    widths: tuple[int, ...] = (64, 96, 128, 192, 256)
    """Factors of a final fit: the most that final work allows."""
    most_points: int = 3
    """Points of a family of factors that are fitted, for the blend to average."""
    walk_work: float = 2e10
    """Of the item walk, and of the products of the linear model's columns."""
    linear_work: float = 4e10
    """Of the linear model's lists."""
    inverse_work: float = 8e12
    """Of the linear model's inverses, over all trials."""
    content_work: float = 1e12
    """Of all searches for neighbours by content."""
    list_bytes: float = 3e9
    """Of the lists of all factors, which are held until the blend."""
    steps: int = 8
    """Of the choice of sources."""
    searched_users: int = 8_000
    selecting_users: int = 12_000
    """Users judged in each trial, and in each step of the choice: an error of NDCG below .002."""

    def trials_of(self, family: Family, items: int) -> int:
        if family.factors:
            return self.trials
        if family.name == "linear":
            return min(self.table_trials, max(3, int(self.inverse_work / items**3)))
        return self.table_trials

    def dimensions(self, items: int, kinds: int) -> int:
        """Of each kind of vectors, when all kinds are searched once together and once alone."""
        return int(np.clip(self.content_work / (2 * kinds * items**2), 32, 256))

    def costs(self, values: sparse.csr_matrix) -> dict[str, float]:
        """Of each family that can be too much, what it would cost as a share of what is allowed."""
        walk = graph.walk_cost(values) / self.walk_work
        return {"item walk": walk, "linear": max(walk, float(values.nnz) * values.shape[1] / self.linear_work)}


@dataclass(frozen=True)
class Plan:
    """Of the families of factors: pairs in a search, final factors, points of each that are fitted."""

    searched_pairs: int
    factors: int
    points: int

    @classmethod
    def of(cls, budget: Budget, pairs: int, users: int, families: int) -> Plan:
        """For so many pairs of train, users who get lists, and families of factors."""
        each = budget.search_work / (budget.trials * families * budget.search_factors * budget.rounds)
        affordable = budget.final_work / (families * pairs * budget.rounds)
        room = budget.list_bytes / (families * users * LENGTH * _BYTES_A_PLACE)
        points = max(1, min(budget.most_points, int(affordable // budget.widths[-1]), int(room)))
        factors = max((width for width in budget.widths if width <= affordable / points), default=budget.widths[0])
        return cls(int(min(pairs, each)), factors, points)
