"""What a viewer likes videos to be about: the content of those met, added up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.models import matrices
from foryou.settings import Profiles


def of_viewers(met: NDArray[np.int32], interactions: pa.Table, content: pa.Table, settings: Profiles) -> pa.Array:
    """A vector for each of those `met`, rising ids: `sum(clip(strength, -most, most) x embedding)`; null if it is zero.

    interactions (viewer, video, strength) of nobody else, content (video, embedding). This is Rocchio's profile (1971);
    a ridge regression for each viewer ranked no better in worlds (decision 0017). The sums run by rising video.
    """
    height = matrices.height(interactions["video"], content["video"])
    vectors = matrices.dense_given(content["video"], content["embedding"], height)
    place = pa.chunked_array([np.searchsorted(met, interactions["viewer"].to_numpy()).astype(np.int32)])
    rows = matrices.rows(place, interactions["video"], interactions["strength"], len(met))
    strengths = rows.csr(height)
    strengths.data = np.clip(strengths.data, -settings.max_strength, settings.max_strength)
    return matrices.vectors_or_null(np.asarray(strengths @ vectors, np.float32))
