"""Videos alike in content: for each its nearest neighbours by the cosine of their content vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from foryou.catalogue.content import DIMENSIONS
from foryou.models import matrices, topk
from foryou.settings import Content

_VIDEOS_A_PART = 8_192
_VIDEOS_A_BLOCK = 1_024


def prepare(vectors: pa.Table, shown: pa.Table, settings: Content, folder: Path) -> int:
    """Leaves the night's content matrix for the workers; gives back the number of parts to build."""
    videos = np.sort(vectors["video"].to_numpy())
    height = int(videos[-1]) + 1 if len(videos) else 0
    rows = matrices.list_rows(vectors["video"], vectors["dimensions"], vectors["weights"], height)
    turned = rows.csr(DIMENSIONS).T.tocsr()
    eligible = np.zeros(height, bool)
    inside = shown["video"].to_numpy()
    eligible[inside[inside < height]] = True
    matrices.share_rows(folder, "content", rows)
    matrices.share_rows(folder, "of_token", matrices.Rows(turned.indptr.astype(np.int64), turned.indices, turned.data))
    matrices.share(folder, {"videos": videos, "eligible": eligible, "neighbours": np.array([settings.neighbours])})
    return -(-len(videos) // _VIDEOS_A_PART)


def build(part: int, folder: Path) -> Iterator[pa.Table]:
    """One row per video of the part: its neighbours `videos`, best first, and their `scores`."""
    videos = matrices.shared(folder, "videos")[part * _VIDEOS_A_PART : (part + 1) * _VIDEOS_A_PART]
    content, of_token = matrices.shared_rows(folder, "content"), matrices.shared_rows(folder, "of_token")
    eligible, neighbours = np.array(matrices.shared(folder, "eligible")), int(matrices.shared(folder, "neighbours")[0])
    turned = of_token.csr(len(eligible))
    for start in range(0, len(videos), _VIDEOS_A_BLOCK):
        block = np.array(videos[start : start + _VIDEOS_A_BLOCK])
        own = content.of(block)
        ids, scores = topk.top_k_sparse(
            own.indptr,
            own.indices,
            own.values,
            turned,
            neighbours,
            seen_indptr=np.arange(len(block) + 1, dtype=np.int64),
            seen_indices=block,
            eligible=eligible,
            above=0.0,
        )
        kept = ids >= 0
        found = {"video": block, "videos": matrices.lists(ids, kept), "scores": matrices.lists(scores, kept)}
        yield pa.table(found).filter(pa.array(kept.any(axis=1)))
