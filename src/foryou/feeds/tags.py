"""Tags as reasons see them: of each video, by country as they rise, and as directions of taste."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models import matrices, tokens
from foryou.models.matrices import Rows

_EVERYWHERE = "*"


def of_videos(videos: pa.Table, content: pa.Table, height: int) -> tuple[Rows, pa.Array]:
    """Each video's tags in the order of its own list, by their numbers, and the names of all.

    `videos` has `video`, `tags`, and `content`, `video`, `dimensions`, `weights`. A value is the tag's weight in the
    content vector; 0 for a tag that tells nothing there, and for one that the list has named before.
    """
    ordered = videos.sort_by("video")
    lists = ordered["tags"].combine_chunks()
    coded = lists.flatten().dictionary_encode()
    lengths = np.zeros(height, np.int64)
    lengths[ordered["video"].to_numpy()] = pc.fill_null(lists.value_lengths(), 0).to_numpy()
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    numbers = pc.fill_null(coded.indices, 0).to_numpy().astype(np.int32)
    video = np.repeat(np.arange(height), lengths)
    weights = np.where(coded.is_valid(), _weights(content, video, coded, numbers), 0).astype(np.float32)
    _, first = np.unique(video << 32 | numbers, return_index=True)
    once = np.zeros(len(numbers), bool)
    once[first] = True
    return Rows(indptr, numbers, np.where(once, weights, 0).astype(np.float32)), coded.dictionary


def _weights(
    content: pa.Table, video: NDArray[np.int64], coded: pa.DictionaryArray, numbers: NDArray[np.int32]
) -> NDArray[np.float32]:
    """The weight of each tag in its video's content vector."""
    lists = content["dimensions"].combine_chunks()
    row = np.repeat(content["video"].to_numpy().astype(np.int64), lists.value_lengths().to_numpy())
    held = row * tokens.DIMENSIONS + lists.flatten().to_numpy()
    values = content["weights"].combine_chunks().flatten().to_numpy()
    order = np.argsort(held)
    held, values = np.append(held[order], -1), np.append(values[order], np.float32(0))
    dimension = tokens.dimensions("tags", coded.dictionary)
    asked = video * tokens.DIMENSIONS + (dimension[numbers] if len(dimension) else numbers)
    place = np.searchsorted(held[:-1], asked)
    return np.where(held[place] == asked, values[place], 0).astype(np.float32)


def directions(content: pa.Table, names: pa.Array) -> NDArray[np.float32]:
    """What a weight of one in each tag adds to an embedding, [tags, width]."""
    return tokens.directions(content, tokens.dimensions("tags", names)).astype(np.float32)


def rising(trends: pa.Table, names: pa.Array) -> tuple[list[str], Rows]:
    """The countries, `*` first, and the tags that rise in each, with their z; what rises everywhere rises in each.

    Of a tag that is watched and posted more than before, the greater z counts.
    """
    tags = trends.filter(pc.is_in(trends["kind"], pa.array(["tag", "challenge"])))
    countries = sorted({_EVERYWHERE, *tags["country"].to_pylist()})
    number = pc.index_in(tags["name"], names)
    tags, number = tags.filter(number.is_valid()), number.drop_null()
    place = pc.index_in(tags["country"], pa.array(countries, pa.string())).to_numpy()
    everywhere = place == countries.index(_EVERYWHERE)
    row = np.concatenate([place, *(np.full(everywhere.sum(), each) for each in range(1, len(countries)))])
    column = np.concatenate([number.to_numpy(), *[number.to_numpy()[everywhere]] * (len(countries) - 1)])
    z = np.concatenate([tags["z"].to_numpy(), *[tags["z"].to_numpy()[everywhere]] * (len(countries) - 1)])
    order = np.argsort(-z, kind="stable")
    i, j = (pa.chunked_array([pa.array(part[order], pa.int32())]) for part in (row, column))
    return countries, matrices.rows(i, j, pa.chunked_array([pa.array(z[order], pa.float32())]), len(countries))
