"""Vectors of items from files of numpy: row i is item i. Nothing in a file is ever unpickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.errors import ContractBroken, DataRejected, InputMissing


def item_vectors(path: Path) -> NDArray[np.float32]:
    """[items, dimensions], finite. Raises InputMissing, ContractBroken and DataRejected."""
    if not path.is_file():
        raise InputMissing(path.name, wanted="item vectors, a .npy file", found="none", next_step="check the path")
    try:
        found = np.lib.format.open_memmap(path, mode="r")  # refuses objects, and so pickles
    except ValueError as broken:
        said = (str(broken).splitlines() or ["an unreadable file"])[0][:200]
        raise ContractBroken(
            path.name, wanted="a .npy file of numbers", found=said, next_step="save it with numpy.save"
        ) from broken
    if found.ndim != 2 or found.dtype.kind not in "fiu" or found.shape[1] == 0:
        raise ContractBroken(
            path.name,
            wanted="one row of numbers for each item",
            found=f"{found.dtype} of shape {found.shape}",
            next_step="save a matrix [items, dimensions]",
        )
    with np.errstate(over="ignore"):
        values = np.asarray(found, np.float32)
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise DataRejected(
            path.name,
            wanted="numbers that are finite in 32 bits",
            found=f"{wrong:,} of {len(values):,} rows with NaN, infinity or more",
            next_step="write zeros where an item has no vector",
        )
    return values


def rows_of(
    numbers: pa.Array | None, places: NDArray[np.int32], vectors: Sequence[NDArray[np.float32]]
) -> tuple[int, NDArray[np.int32]]:
    """How many rows the vectors have, and for each place its item's: the item's number.

    numbers: the different items, None where some are no numbers; places: which of them stands where. Raises
    ContractBroken for an item without a row, and for files of different lengths.
    """
    heights = sorted({len(each) for each in vectors})
    if len(heights) > 1:
        raise _refusal(
            "files of one length", f"files of {' and '.join(map(str, heights))} rows", "give one row an item"
        )
    if numbers is None:
        raise _refusal(
            "items that are whole numbers", "items that are not all of at most 18 digits", "number the items from 0"
        )
    low, high = pc.min_max(numbers).values()
    if low.as_py() < 0 or high.as_py() >= heights[0]:
        raise _refusal(
            f"items from 0 to {heights[0] - 1}, as there are {heights[0]} rows",
            f"items from {low} to {high}",
            "number the items from 0 and give each a row",
        )
    return heights[0], numbers.to_numpy().astype(np.int32)[places]


def _refusal(wanted: str, found: str, next_step: str) -> ContractBroken:
    return ContractBroken(
        "item vectors", wanted=f"{wanted}: row i is item i", found=found, next_step=f"{next_step}, or leave vectors out"
    )
