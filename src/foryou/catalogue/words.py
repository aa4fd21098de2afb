"""What counts as a word of a caption, in whatever script."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

BETWEEN = r"(?:[^\p{L}\p{M}\p{N}]|[\x{FE00}-\x{FE0F}])+"
"""What parts words. Marks belong to the letters that they stand on: without them Hindi words fall to pieces. Those that
only choose how an emoji is drawn are none."""


def plain(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts in lower case, and in one spelling where Unicode has several (NFKC); null becomes empty."""
    return pc.utf8_lower(pc.utf8_normalize(pc.fill_null(texts, ""), form="NFKC"))
