"""Tokens as directions: an embedding is what its tokens add to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foryou import tables
from foryou.catalogue import content
from foryou.feeds import tags
from foryou.models import tokens
from rows import arrow_rows

TOPICS = {"cooking": ["pasta", "soup"], "pets": ["cat", "dog"], "travel": ["sea", "city"]}


def catalogue(videos=60):
    rng = np.random.default_rng(1)
    rows = []
    for video in range(videos):
        topic = [*TOPICS][video % 3]
        rows.append(
            {
                "video": video,
                "tags": [topic, str(rng.choice(TOPICS[topic]))],
                "caption": f"some {rng.choice(TOPICS[topic])} again",
                "creator_id": f"c{video % 7}",
                "sound_id": f"s{video % 5}" if video % 2 else None,
            }
        )
    return arrow_rows(tables.VIDEOS, *rows)


def test_an_embedding_is_the_sum_of_its_tokens(chosen):
    videos = catalogue()
    for dimensions in (4, 32):  # also where it is cut to its leading directions
        section = chosen.content.__class__(**(vars(chosen.content) | {"embedding_dimensions": dimensions}))
        rows = content.build(videos, section)
        for video in (0, 7, 31):
            own = rows["dimensions"][video].values.to_numpy().astype(np.int64)
            added = rows["weights"][video].values.to_numpy() @ tokens.directions(rows, own)
            np.testing.assert_allclose(added, rows["embedding"][video].values.to_numpy(), atol=1e-5)


def test_tags_have_the_weight_of_their_token_once(chosen):
    videos = catalogue()
    lists = videos["tags"].to_pylist()
    lists[0] = [lists[0][0], None, lists[0][0], "nobody-else-has-it"]
    videos = videos.set_column(videos.column_names.index("tags"), "tags", pa.array(lists, pa.list_(pa.string())))
    rows = content.build(videos, chosen.content)
    of_videos, names = tags.of_videos(videos, rows, 70)
    at = tokens.dimensions("tags", names)
    told = [names[number].as_py() for number in of_videos.indices[:4]]
    assert told[0] == told[2] == "cooking" and told[3] == "nobody-else-has-it"
    own = dict(zip(rows["dimensions"][0].as_py(), rows["weights"][0].as_py(), strict=True))
    wanted = own.get(int(at[of_videos.indices[0]]), 0)
    np.testing.assert_allclose(of_videos.values[:4], [wanted, 0, 0, 0])
    for video in range(1, 60):
        own = dict(zip(rows["dimensions"][video].as_py(), rows["weights"][video].as_py(), strict=True))
        span = slice(of_videos.indptr[video], of_videos.indptr[video + 1])
        assert [names[number].as_py() for number in of_videos.indices[span]] == lists[video]
        np.testing.assert_allclose(of_videos.values[span], [own.get(int(at[n]), 0) for n in of_videos.indices[span]])
    assert (np.diff(of_videos.indptr)[60:] == 0).all()


def test_a_catalogue_without_tags_or_content_has_no_directions(chosen):
    videos = arrow_rows(tables.VIDEOS, {"video": 0}, {"video": 1})
    rows = content.build(videos, chosen.content)
    of_videos, names = tags.of_videos(videos, rows, 2)
    assert len(names) == len(of_videos.indices) == 0
    assert tags.directions(rows, names).shape[0] == 0


def test_what_rises_everywhere_rises_in_each_country():
    trends = pa.table(
        {
            "country": ["*", "US", "US", "US"],
            "kind": ["tag", "tag", "challenge", "sound"],
            "name": ["sea", "cat", "cat", "sea"],
            "z": pa.array([2.0, 3.0, 5.0, 9.0], pa.float32()),
        }
    )
    countries, rising = tags.rising(trends, pa.array(["cat", "dog", "sea"]))
    assert countries == ["*", "US"]
    assert rising.csr(3).toarray().tolist() == [[0, 0, 2], [5, 0, 2]]


def test_where_nothing_rises_there_is_one_empty_row():
    countries, rising = tags.rising(arrow_rows(tables.TRENDS), pa.array(["cat"]))
    assert countries == ["*"] and rising.csr(1).nnz == 0
