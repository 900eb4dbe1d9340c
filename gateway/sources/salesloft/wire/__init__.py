"""Salesloft's JSON, typed; the only place that knows its field names, which the attributes bear unchanged.

What is here is what the documents and captured answers name, but for `_href` links. Every field may be null or absent,
which mean the same, so each but a row's id has a default. Ids are kept as they came: documented as text here and as
integers there, they come as either. Words are kept as sent, since new ones arrive unannounced.
"""

from gateway.sources.bounds import Id as Id
from gateway.sources.salesloft.wire.account import Account as Account
from gateway.sources.salesloft.wire.account import AccountCounts as AccountCounts
from gateway.sources.salesloft.wire.cadence import Cadence as Cadence
from gateway.sources.salesloft.wire.cadence import CadenceCounts as CadenceCounts
from gateway.sources.salesloft.wire.cadence import Step as Step
from gateway.sources.salesloft.wire.common import JSON as JSON
from gateway.sources.salesloft.wire.common import Instant as Instant
from gateway.sources.salesloft.wire.common import Metadata as Metadata
from gateway.sources.salesloft.wire.common import Paging as Paging
from gateway.sources.salesloft.wire.common import Stub as Stub
from gateway.sources.salesloft.wire.conditions import DEFAULT_PERSONAL_MEETING as DEFAULT_PERSONAL_MEETING
from gateway.sources.salesloft.wire.conditions import MeetingConditions as MeetingConditions
from gateway.sources.salesloft.wire.meeting import Attendee as Attendee
from gateway.sources.salesloft.wire.meeting import Meeting as Meeting
from gateway.sources.salesloft.wire.meeting import MeetingsSettings as MeetingsSettings
from gateway.sources.salesloft.wire.person import Person as Person
from gateway.sources.salesloft.wire.person import PersonCounts as PersonCounts
from gateway.sources.salesloft.wire.task import Task as Task
from gateway.sources.salesloft.wire.user import User as User
