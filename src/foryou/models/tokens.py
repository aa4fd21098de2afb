"""Tokens of videos as dimensions of their content vectors, and as directions among the embeddings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from foryou.models import hashing, matrices

DIMENSIONS = 2**20
"""Room for tokens: with 100,000 of them one in ten shares its place with another, mostly in an unlike video."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SMALLEST = 1e-9
"""Directions that hold less than this share of the longest one's square are rounding."""


def dimensions(block: str, texts: pa.Array) -> Ints:
    """The dimension of each text of a block, such as `tags`; each block hashes with a seed of its own, by its name."""
    coded = texts.dictionary_encode()
    seed = int(hashing.of_texts(pa.array([block]))[0])
    dimension = (hashing.of_texts(coded.dictionary, seed) % np.uint64(DIMENSIONS)).astype(np.int64)
    return dimension[coded.indices.to_numpy()]


def weights(content: pa.Table) -> sparse.csr_matrix:
    """The sparse part of content vectors (`dimensions`, `weights`): [rows of `content`, DIMENSIONS]."""
    lists = content["dimensions"].combine_chunks()
    lengths = lists.value_lengths().to_numpy()
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    values = content["weights"].combine_chunks().flatten().to_numpy()
    return sparse.csr_matrix((values, lists.flatten().to_numpy(), indptr), shape=(len(lengths), DIMENSIONS))


def directions(content: pa.Table, asked: Ints) -> Floats:
    """[asked, width]: what a weight of one in each of the dimensions adds to an embedding.

    Embeddings E are content vectors W times the leading right singular vectors V of W, so V = W' E / |E|^2, column by
    column, and an embedding is the sum over its tokens of weight x direction: a dot product with it falls apart into
    those of its tokens, exactly. `content` (dimensions, weights, embedding) holds the whole catalogue.
    """
    place = pa.chunked_array([np.arange(content.num_rows, dtype=np.int32)])
    embeddings = matrices.dense_given(place, content["embedding"], content.num_rows).astype(np.float64)
    squares = (embeddings**2).sum(axis=0)
    scale = np.divide(1, squares, out=np.zeros_like(squares), where=squares > _SMALLEST * squares.max(initial=0))
    found: Floats = np.asarray(weights(content).tocsc()[:, asked].T @ embeddings) * scale
    return found
