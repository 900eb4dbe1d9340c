"""A document's text that knows where its lines begin, since every error is told with its place in it."""

from __future__ import annotations

from graphql import Source
from graphql.language.location import SourceLocation

MOST_PLACES = 4_096


class Text(Source):
    """Source text whose places are worked out once each."""

    def __init__(self, body: str) -> None:
        super().__init__(body)
        self._places: dict[int, SourceLocation] = {}

    def get_location(self, position: int) -> SourceLocation:
        """The line and column of a place in the text."""
        place = self._places.get(position)
        if place is None:
            place = super().get_location(position)
            if len(self._places) < MOST_PLACES:
                self._places[position] = place
        return place
