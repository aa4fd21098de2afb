"""What a video is about: a vector of weighted blocks, hashed words beside whitened upstream vectors (DESIGN §7)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from foryou.catalogue import copies, embedding, words
from foryou.models import matrices, whitening
from foryou.models.tokens import DIMENSIONS, dimensions
from foryou.settings import Content

SINGLE = {"category": "category", "sound": "sound_id", "creator": "creator_id", "language": "language", "tone": "tone"}
SPARSE = ("tags", "caption", *SINGLE)
DENSE = {"visual": "visual_vector", "audio": "audio_vector"}
COLUMNS = ["video", "tags", "caption", *SINGLE.values(), *DENSE.values(), *copies.COLUMNS]
"""What `build` asks of the videos."""

_SHORTEST_WORD = 3

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def build(videos: pa.Table, settings: Content) -> pa.Table:
    """One row per video of the catalogue, by `video`: its vector, and the group of near copies that it belongs to.

    A vector has a sparse part (`dimensions`, `weights`) and a dense one (`dense`; null without upstream vectors).
    Each block has unit length times its setting: hashed words of tags and caption, sound, category, creator,
    language and tone, a token weighing its inverse document frequency `log(N / n)`; and each upstream vector, whitened.
    Both parts together have unit length. A missing block is absent, and null is not a value, so a video of which
    nothing is known that it shares with another has a vector without entries. `embedding` is the whole vector in
    few dimensions (`embedding.embed`). Nothing depends on the order of rows.
    """
    ordered = videos.sort_by("video")
    height = ordered.num_rows
    row, dimension, weight = _sparse(ordered, settings)
    dense = _dense(ordered, settings)
    lengths = np.sqrt(np.bincount(row, weight**2, minlength=height) + (dense**2).sum(axis=1))
    scale = 1 / np.where(lengths > 0, lengths, 1.0)
    weight, upstream = (weight * scale[row]).astype(np.float32), (dense * scale[:, None]).astype(np.float32)
    whole = sparse.hstack(
        [sparse.csr_matrix((weight, (row, dimension)), shape=(height, DIMENSIONS)), sparse.csr_matrix(upstream)], "csr"
    )
    offsets = pa.array(np.searchsorted(row, np.arange(height + 1)).astype(np.int32))
    return pa.table(
        {
            "video": ordered["video"],
            "dimensions": pa.ListArray.from_arrays(offsets, pa.array(dimension.astype(np.int32))),
            "weights": pa.ListArray.from_arrays(offsets, pa.array(weight)),
            "dense": matrices.vectors_or_null(upstream),
            "embedding": matrices.vectors_or_null(embedding.embed(whole, settings.embedding_dimensions)),
            "near_copy_of": copies.groups(ordered, settings),
        }
    )


def described(content: pa.Table) -> pa.Table:
    """The rows of `content` whose vector says anything."""
    return content.filter(
        pc.or_(pc.greater(pc.list_value_length(content["dimensions"]), 0), content["dense"].is_valid())
    )


# ---- tokens


def tokens(videos: pa.Table) -> tuple[Ints, Ints, Ints]:
    """Row, number of the block in `SPARSE`, and hashed dimension of every token once, in this order."""
    of_block = {"tags": videos["tags"], "caption": _words(videos["caption"])}
    found = [_listed(number, name, of_block[name]) for number, name in enumerate(of_block)]
    found += [_plain(number, name, videos[SINGLE[name]]) for number, name in enumerate(SPARSE) if name in SINGLE]
    key = np.sort(np.concatenate(found))
    key = key[_starts(key)]  # a tenth of the time of np.unique, which hashes first
    return key // DIMENSIONS >> 8, key // DIMENSIONS & 255, key % DIMENSIONS


def _words(captions: pa.ChunkedArray) -> pa.Array:
    """The lower-case words of each caption, of three letters and digits or more, in whatever script."""
    return pc.split_pattern_regex(words.plain(captions), words.BETWEEN)


def _listed(number: int, name: str, lists: pa.ChunkedArray) -> Ints:
    column = lists.combine_chunks()
    shortest = _SHORTEST_WORD if name == "caption" else 1
    flat = pc.list_flatten(column)
    kept = pc.fill_null(pc.greater_equal(pc.utf8_length(flat), shortest), False)
    return _keys(number, name, pc.list_parent_indices(column).filter(kept), flat.filter(kept))


def _plain(number: int, name: str, texts: pa.ChunkedArray) -> Ints:
    given = texts.is_valid()
    rows = pa.array(np.flatnonzero(given.to_numpy()))
    return _keys(number, name, rows, texts.filter(given).combine_chunks())


def _keys(number: int, name: str, rows: pa.Array, texts: pa.Array) -> Ints:
    """Row, block and dimension in one number."""
    return (rows.to_numpy().astype(np.int64) << 8 | number) * DIMENSIONS + dimensions(name, texts)


# ---- weights


def _sparse(videos: pa.Table, settings: Content) -> tuple[Ints, Ints, Floats]:
    """Row, dimension and weight of every token that tells something, by row and dimension."""
    row, block, dimension = tokens(videos)
    block_weight = np.array([_weight(name, settings) for name in SPARSE])
    in_videos = np.bincount(dimension, minlength=DIMENSIONS)[dimension]
    telling = (in_videos > 1) & (in_videos <= settings.max_share_of_videos * videos.num_rows)
    telling &= (in_videos < videos.num_rows) & (block_weight[block] > 0)  # a weight of 0 leaves the block out
    row, block, dimension = row[telling], block[telling], dimension[telling]
    idf = np.log(videos.num_rows / in_videos[telling])
    weight = block_weight[block] * _of_unit_length(idf, row * len(SPARSE) + block)
    order = np.lexsort((weight, dimension, row))
    return row, dimension[order], weight[order]


def _weight(block: str, settings: Content) -> float:
    weight: float = getattr(settings, f"weight_{block}")
    return weight


def _of_unit_length(weight: Floats, group: Ints) -> Floats:
    """The weights over the length of their group's vector; `group` rises."""
    starts = _starts(group)
    squares = np.add.reduceat(weight**2, starts) if len(starts) else np.empty(0)
    return weight / np.sqrt(np.repeat(squares, np.diff(np.append(starts, len(group)))))


def _starts(rising: Ints) -> Ints:
    """The places where a rising array takes a new value."""
    return np.flatnonzero(np.diff(rising, prepend=-1))


def _dense(videos: pa.Table, settings: Content) -> Floats:
    """The dense blocks of each row side by side, each as long as its weight or zero; no columns without vectors."""
    blocks = [
        _weight(name, settings) * whitening.unit_rows(videos[column], settings.dense_dimensions)
        for name, column in DENSE.items()
    ]
    return np.hstack([block for block in blocks if block.any()] or [np.empty((videos.num_rows, 0))])
