"""How long what the sources gave may be used, by kind."""

from __future__ import annotations

import msgspec

from gateway.upstream.lifetimes import DIRECTORY, PAGES, RECORDS, WINDOW, Lifetimes


class Lives(msgspec.Struct, frozen=True, kw_only=True):
    """A lifetime for each kind of record or list, whichever source it is of.

    Attributes:
        pages: Pages of a listing, and the meetings that are looked up by id or by event.
        window: A listing that can only be had as a whole.
        directories: All users, all cadences, the steps of a cadence.
        people: People by id and by e-mail address.
        users: Users by their keys.
        cadences: Cadences by id.
        steps: Steps by id.
        accounts: Accounts by id.
        tasks: Tasks by id.
        conversations: Conversations by id.
    """

    pages: Lifetimes = PAGES
    window: Lifetimes = WINDOW
    directories: Lifetimes = DIRECTORY
    people: Lifetimes = RECORDS
    users: Lifetimes = RECORDS
    cadences: Lifetimes = RECORDS
    steps: Lifetimes = RECORDS
    accounts: Lifetimes = RECORDS
    tasks: Lifetimes = RECORDS
    conversations: Lifetimes = RECORDS


DEFAULT = Lives()
