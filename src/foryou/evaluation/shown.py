"""A public split's result as a table."""

from __future__ import annotations

from rich.table import Table

from foryou.evaluation.benchmark import MASKED, Measured, Result


def benchmark(result: Result, k: int) -> Table:
    """A row per source, in the order fitted, then the blend; each measure with its standard error."""
    title = f"{result.users:,} users of test; all {result.items:,} items ranked; masked: each user's {MASKED}"
    table = Table(title=title, title_justify="left", caption=_spent(result), caption_justify="left")
    for name in ("source", "in the blend", f"recall@{k}", f"NDCG@{k}", "seconds"):
        table.add_column(name, justify="left" if name == "source" else "right")
    for name, each in result.sources.items():
        times = result.chosen.names.count(name)
        table.add_row(name, f"{times} x" if times else "–", *_cells(each), f"{each.seconds:.1f}")
    table.add_section()
    table.add_row("blend", "", *_cells(result.blend), f"{result.seconds:.1f}")
    return table


def _spent(result: Result) -> str:
    return f"{result.seconds:.0f} seconds in all, {result.peak_gib:.1f} GiB at the most"


def _cells(measured: Measured) -> tuple[str, str]:
    return (
        f"{measured.recall:.4f} ±{measured.recall_error:.4f}",
        f"{measured.ndcg:.4f} ±{measured.ndcg_error:.4f}",
    )
