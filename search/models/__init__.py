"""Indexes, what people did with them, and how good they are, as rows."""

from search.models.builds import IndexBuild, LiveIndex, Rejection
from search.models.conversations import (
    Conversation,
    Feedback,
    NameTaken,
    SavedSearch,
    Turn,
)
from search.models.evaluations import SearchEvaluation
from search.models.shares import Ended, Share
from search.models.tags import NotTagged, Tag, TaggedImage

__all__ = [
    "Conversation",
    "Ended",
    "Feedback",
    "IndexBuild",
    "LiveIndex",
    "NameTaken",
    "NotTagged",
    "Rejection",
    "SavedSearch",
    "SearchEvaluation",
    "Share",
    "Tag",
    "TaggedImage",
    "Turn",
]
