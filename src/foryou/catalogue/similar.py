"""Videos alike in content: for each its nearest neighbours by the cosine of their content vectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.catalogue.content import described
from foryou.models import matrices, topk
from foryou.models.tokens import DIMENSIONS
from foryou.settings import Content

_VIDEOS_A_PART = 8_192
_VIDEOS_A_BLOCK = 256
"""Bounds a worker's memory: the dense part of the scores is a block times all videos."""


def prepare(content: pa.Table, shown: pa.Table, settings: Content, folder: Path) -> int:
    """Leaves the night's content matrix for the workers; gives back the number of parts to build.

    `content`: `video`, `dimensions`, `weights`, `dense`, `near_copy_of`. Only `shown` videos become neighbours.
    """
    vectors = described(content)
    videos = np.sort(vectors["video"].to_numpy())
    height = int(videos[-1]) + 1 if len(videos) else 0
    rows = matrices.list_rows(vectors["video"], vectors["dimensions"], vectors["weights"], height)
    turned = rows.csr(DIMENSIONS).T.tocsr()
    group = np.arange(height, dtype=np.int32)
    group[vectors["video"].to_numpy()] = vectors["near_copy_of"].to_numpy()
    members = pa.chunked_array([pa.array(videos)])
    copies = matrices.rows(pa.chunked_array([pa.array(group[videos])]), members, None, height)
    eligible = np.zeros(height, bool)
    inside = shown["video"].to_numpy()
    eligible[inside[inside < height]] = True
    matrices.share_rows(folder, "content", rows)
    matrices.share_rows(folder, "of_token", matrices.Rows(turned.indptr.astype(np.int64), turned.indices, turned.data))
    matrices.share_rows(folder, "copies", copies)
    kept = {"videos": videos, "eligible": eligible, "near_copy_of": group, "dense": _dense(vectors, height)}
    matrices.share(folder, kept | {"neighbours": np.array([settings.neighbours])})
    return -(-len(videos) // _VIDEOS_A_PART)


def build(part: int, folder: Path) -> Iterator[pa.Table]:
    """One row per video of the part: its neighbours `videos`, best first, and their `scores`.

    A near copy is no neighbour: whoever liked a video has seen it.
    """
    videos = matrices.shared(folder, "videos")[part * _VIDEOS_A_PART : (part + 1) * _VIDEOS_A_PART]
    content, of_token = matrices.shared_rows(folder, "content"), matrices.shared_rows(folder, "of_token")
    copies, near_copy_of = matrices.shared_rows(folder, "copies"), matrices.shared(folder, "near_copy_of")
    eligible, neighbours = np.array(matrices.shared(folder, "eligible")), int(matrices.shared(folder, "neighbours")[0])
    dense, turned = matrices.shared(folder, "dense"), of_token.csr(len(eligible))
    for start in range(0, len(videos), _VIDEOS_A_BLOCK):
        block = np.array(videos[start : start + _VIDEOS_A_BLOCK])
        own, left_out = content.of(block), copies.of(near_copy_of[block])
        ids, scores = topk.top_k_sparse(
            own.indptr,
            own.indices,
            own.values,
            turned,
            neighbours,
            base=dense[block] @ dense.T if dense.shape[1] else None,
            seen_indptr=left_out.indptr,
            seen_indices=left_out.indices,
            eligible=eligible,
            above=0.0,
        )
        kept = ids >= 0
        found = {"video": block, "videos": matrices.lists(ids, kept), "scores": matrices.lists(scores, kept)}
        yield pa.table(found).filter(pa.array(kept.any(axis=1)))


def _dense(vectors: pa.Table, height: int) -> NDArray[np.float32]:
    """The dense parts of the vectors, [height, dimensions]; zero where there is none."""
    given = vectors.filter(vectors["dense"].is_valid())
    return matrices.dense(given["video"], given["dense"], height)
