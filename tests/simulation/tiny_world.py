"""A tiny world for tests, clean and with everybody signed up, and its settings."""

from __future__ import annotations

from foryou.sources.world import WorldParameters

CLEAN = {"robot_rate": 0.0, "duplicate_rate": 0.0, "late_rate": 0.0, "dirt_rate": 0.0, "broken_rate": 0.0}
TINY = WorldParameters(viewers=120, videos=220, days=8, events=16_000, seed=3, topics=6, early_share=0.0, **CLEAN)
WARM_DAYS, NIGHTS = 4, 3
