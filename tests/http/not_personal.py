"""Texts of the graph that hold no personal data.

What is neither listed here nor declared `personal` fails a test: somebody has to decide.
"""

from __future__ import annotations

NOT_PERSONAL = {
    "Meeting": "sourceId title location timeZone calendarEventId iCalUid conferenceUrl",
    "Recurrence": "rules interval",
    "User": "name firstName lastName jobRole timeZone avatarUrl",
    "SalesloftUser": (
        "name firstName lastName jobRole timeZone slackUsername twitterHandle workCountry seatPackage "
        "emailSignatureType externalFeatureFlags"
    ),
    "DriftUser": "name alias locale availability role timeZone avatarUrl",
    "Person": "crmId name firstName lastName title companyName city state country linkedinUrl crmUrl timeZone tags",
    "Account": (
        "crmId name domain conversationalName website linkedinUrl street city state postalCode country "
        "industry companyType founded revenueRange size crmUrl tags"
    ),
    "SalesloftAccount": (
        "name domain conversationalName website linkedinUrl twitterHandle street city state postalCode "
        "country locale industry companyType founded revenueRange size crmId crmUrl crmObjectType ownerCrmId "
        "lastContactedType userRelationships tags prospectorEngagementLevel"
    ),
    "Cadence": "name currentState function tags",
    "Step": "name displayName type",
    "SalesloftStep": "type name displayName",
    "SalesloftCadence": "name archivedBy currentState cadenceFunction tags",
    "SalesloftPerson": (
        "firstName lastName displayName linkedinUrl title city state country workCity workState workCountry "
        "crmUrl crmId accountCrmId crmObjectType ownerCrmId personCompanyName personCompanyWebsite "
        "personCompanyIndustry locale personalWebsite twitterHandle lastContactedType jobSeniority "
        "jobFunction tags contactRestrictions externalSource"
    ),
    "DriftContact": "name firstName lastName title company city state country tags",
    "SalesloftAttendee": "status affiliation",
    "Task": "subject taskType currentState",
    "SalesloftTask": "subject taskType currentState",
    "Conversation": "status",
    "ConversationTag": "name color",
    "DriftConversation": "status",
    "DriftTag": "name color",
    "SalesloftMeeting": (
        "title calendarType meetingType location eventId crmReferences eventSource iCalUid status "
        "rescheduleStatus rescheduleGuid recurrence recurringInterval"
    ),
    "DriftMeeting": "status meetingSource eventId slug meetingType endUserTimeZone conferenceType meetingSlug",
    "DriftConferenceDetails": "joinUrl",
    "CalendlyMeeting": "uri name status bookingMethod eventType",
    "CalendlyLocation": "type status joinUrl",
    "CalendlyEventMembership": "user",
    "CalendlyCalendarEvent": "kind externalId",
    "CalendlyCancellation": "cancelerType",
    "CalendlyInvitee": "status timezone event routingFormSubmission schedulingMethod inviteeScheduledBy",
    "CalendlyQuestionAndAnswer": "question",
    "CalendlyTracking": "utmCampaign utmSource utmMedium utmContent utmTerm salesforceUuid",
    "CalendlyPayment": "provider currency terms",
    "CalendlyNoShow": "uri",
    "PageInfo": "startCursor endCursor",
    "SourceReport": "code message",
}
"""By type. People may be named in them, as the scope of the type allows; addresses, numbers and free text may not."""
