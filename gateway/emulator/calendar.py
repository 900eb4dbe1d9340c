"""Times and calendar identifiers: how the two vendors write instants, how Google and Microsoft name events."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EASTERN = ZoneInfo("America/New_York")
_MILLISECOND = timedelta(milliseconds=1)
_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FRIDAY = 4


def utc_text(moment: datetime) -> str:
    """Write an instant as Salesloft's meetings have it: UTC, six digits, `Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def eastern_text(moment: datetime) -> str:
    """Write an instant as Salesloft's other resources have it: six digits, US Eastern offset."""
    return moment.astimezone(EASTERN).isoformat(timespec="microseconds")


def instant(text: str) -> datetime:
    """Read a time of either form.

    Raises:
        ValueError: it is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def millis(moment: datetime) -> int:
    """Write an instant as Drift does: whole milliseconds since 1970."""
    return (moment - EPOCH) // _MILLISECOND


def of_millis(value: int) -> datetime:
    """Read Drift's milliseconds."""
    return EPOCH + value * _MILLISECOND


def working_slot(rng: Random, first: datetime, last: datetime) -> datetime:
    """Draw a quarter of an hour in the office hours (UTC) of a working day from `first` up to `last`."""
    day = first + timedelta(days=rng.random() * ((last - first) / timedelta(days=1)))
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    if day.weekday() > _FRIDAY:
        day -= timedelta(days=day.weekday() - _FRIDAY)
    slot = day + timedelta(hours=8, minutes=15 * rng.randrange(56))
    while slot < first:
        slot += timedelta(days=1)
    while slot > last:
        slot -= timedelta(days=1)
    return slot


def before(rng: Random, moment: datetime, *, days: float) -> datetime:
    """Draw an instant, to the microsecond, up to so many days before another."""
    return moment - timedelta(microseconds=rng.randrange(1, int(days * 86_400_000_000)))


def google_event_id(rng: Random) -> str:
    """Make an event id as Google Calendar's: 26 characters of base32hex."""
    return "".join(rng.choices(_BASE32HEX, k=26))


def google_uid(event_id: str) -> str:
    """Derive the iCalendar UID that Google gives a plain event."""
    return f"{event_id}@google.com"


def occurrence_id(series_id: str, start: datetime) -> str:
    """Make the event id of one occurrence of a Google series."""
    return f"{series_id}_{start:%Y%m%dT%H%M%SZ}"


def outlook_event_id(rng: Random) -> str:
    """Make an event id as Microsoft's: one mailbox's, long, ending in `=`."""
    return "AAMkAG" + "".join(rng.choices(_BASE64URL, k=112)) + "A="


def outlook_uid(rng: Random) -> str:
    """Make an iCalendar UID as Microsoft's: hexadecimal, the same for every participant."""
    return f"040000008200E00074C5B7101A82E008{rng.getrandbits(320):080X}"
