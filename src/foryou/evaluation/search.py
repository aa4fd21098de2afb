"""Which point of a family's space: tried on held-out pairs, the most promising next (Optuna's tree of Parzen)."""

from __future__ import annotations

from collections.abc import Callable

import optuna

from foryou.models.families import Family, Point, first

Tried = tuple[float, dict[str, float]]


def search(
    family: Family, judge: Callable[[Point], float], trials: int, seed: int, told: Callable[[int, float], None]
) -> list[Tried]:
    """The points tried, best first, each with its value; the first point tried is the family's own first.

    Equal arguments try equal points. A family without anything to choose is tried once.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, trials // 3), multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(first(family))

    def objective(trial: optuna.Trial) -> float:
        point = dict(family.fixed) | {
            name: trial.suggest_float(name, each.low, each.high, log=each.by_ratio)
            for name, each in family.space.items()
        }
        value = judge(point)
        told(trial.number + 1, value)
        return value

    study.optimize(objective, n_trials=trials if family.space else 1)
    done = [(float(trial.values[0]), dict(family.fixed) | dict(trial.params)) for trial in study.trials]
    return sorted(done, key=lambda each: -each[0])
