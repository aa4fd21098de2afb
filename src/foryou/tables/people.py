"""Tables of tastes: clusters of videos and viewers, and what is known of a viewer."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import CLUSTER_KINDS, DAY, VIDEO, VIEWER, text

CLUSTERS = Table(
    "clusters",
    "Videos that the same people watch, and viewers who watch the same videos: directions in the space of the factors.",
    "one cluster of a kind; `groups` are coarse clusters of the clusters of viewers",
    (
        DAY,
        text("kind", "What is clustered.", CLUSTER_KINDS, required=True),
        Column("cluster", "int", "Its number, the same from night to night.", required=True, at_least=0),
        text("label", "Its most telling tags, else categories, else `cluster N`: for people to read.", required=True),
        Column("size", "int", "How many videos or viewers it holds.", required=True, at_least=0),
        Column("group", "int", "The coarse group that a cluster of viewers is in; null for others.", at_least=0),
        Column("centroid", "array<float>", "Its direction, of unit length.", required=True),
    ),
    key=("kind", "cluster"),
    keep_days=30,
)

VIDEO_CLUSTERS = Table(
    "video_clusters",
    "Which cluster each video is in.",
    "one video of the catalogue or the model",
    (DAY, VIDEO, Column("cluster", "int", "Its cluster; null for a video without factors.", at_least=0)),
    key=("video",),
    keep_days=8,
)

VIEWER_PROFILES = Table(
    "viewer_profiles",
    "What is known of a viewer's taste, as of a day.",
    "one viewer met inside the window of `interactions`",
    (
        DAY,
        VIEWER,
        Column("cluster", "int", "The cluster of viewers; null without factors.", at_least=0),
        Column("group", "int", "The coarse group of that cluster.", at_least=0),
        Column("categories", "array<string>", "The viewer's best categories, best first.", required=True),
        Column("genre_scores", "array<float>", "Score of each in [-1, 1], drawn to everybody's.", required=True),
        Column("near_clusters", "array<int>", "The nearest other clusters, nearest first.", required=True),
        Column("proximities", "array<float>", "Cosine to each of them.", required=True),
        Column("languages", "array<string>", "The account's own, then those watched well.", required=True),
        Column("content_taste", "array<float>", "Strength x embedding, added up over the videos met; null if none."),
        Column("taste_entropy", "float", "Bits over the categories liked; null if none is.", at_least=0),
        Column("events", "int", "Videos met inside the window.", required=True, at_least=1),
    ),
    key=("viewer",),
    keep_days=8,
)
