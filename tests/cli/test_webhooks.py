"""`meeting-gateway webhooks` against the emulated vendors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.cli import main
from gateway.commands.demo import emulated, variables
from gateway.emulator.server import Emulators

BASE = "https://gateway.example"
URL = f"{BASE}/webhooks/salesloft"


@pytest.fixture
def emulators(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulators]:
    with emulated() as emulators:
        given = {
            **variables(emulators),
            "GATEWAY_PUBLIC_URL": BASE,
            "SALESLOFT_WEBHOOK_SECRETS": "new-secret,old-secret",
            "CALENDLY_WEBHOOK_SECRETS": "calendly-secret",
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        yield emulators


def subscribed(emulators: Emulators) -> list[tuple[str, str, str]]:
    rows = emulators.salesloft.app.webhooks.rows.values()
    return sorted((row["event_type"], row["callback_url"], row["callback_token"]) for row in rows)


def test_create_may_be_repeated_and_replaces_another_secret(
    emulators: Emulators, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = emulators.salesloft.app.webhooks
    desk.subscribe(URL, "old-secret", "meeting_booked")
    desk.subscribe("https://elsewhere.example", "theirs", "meeting_booked")
    assert main(["webhooks", "create", "salesloft"]) == 0
    expected = [
        ("meeting_booked", "https://elsewhere.example", "theirs"),
        ("meeting_booked", URL, "new-secret"),
        ("meeting_updated", URL, "new-secret"),
    ]
    assert subscribed(emulators) == expected
    before = dict(desk.rows)
    assert main(["webhooks", "create", "salesloft"]) == 0
    assert desk.rows == before
    reported = capsys.readouterr().out
    assert "meeting_booked is subscribed to already" in reported
    assert "secret" not in reported


def test_list_says_what_is_missing_and_what_points_here(
    emulators: Emulators, capsys: pytest.CaptureFixture[str]
) -> None:
    emulators.salesloft.app.webhooks.subscribe(URL, "new-secret", "meeting_booked")
    assert main(["webhooks", "list"]) == 0
    reported = capsys.readouterr().out
    assert f"SALESLOFT: meeting_booked → {URL} (here, enabled)" in reported
    assert "meeting_updated is not subscribed to here" in reported
    assert (
        f"DRIFT: has no call for it. At https://dev.drift.com open your app, and under Webhooks enter {BASE}"
        in reported
    )


CALENDLY_URL = f"{BASE}/webhooks/calendly"
CALENDLY_EVENTS = ["invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"]


def test_calendly_gets_a_new_subscription_before_the_old_one_goes(
    emulators: Emulators, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, calls = emulators.calendly.app.webhooks, emulators.calendly.calls
    desk.subscribe("https://elsewhere.example", ["invitee.created"], "theirs")
    assert main(["webhooks", "create", "calendly"]) == 0
    (first,) = [row for row in desk.rows.values() if row["callback_url"].startswith(f"{CALENDLY_URL}?key=")]
    assert (first["events"], first["scope"]) == (CALENDLY_EVENTS, "organization")
    assert list(desk.keys.values()) == ["calendly-secret"]
    assert main(["webhooks", "create", "calendly"]) == 0
    assert first in desk.rows.values()
    output = capsys.readouterr().out
    assert "is subscribed to already" in output
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRETS", "another-secret,calendly-secret")
    before = len(calls)
    assert main(["webhooks", "create", "calendly"]) == 0
    assert list(desk.keys.values()) == ["another-secret"]
    assert first not in desk.rows.values()
    made = [call.status for call in calls[before:] if call.endpoint.startswith("webhook_subscriptions")]
    assert made == [200, 201, 204]  # read, made, and only then deleted
    (second,) = [row for row in desk.rows.values() if row["callback_url"].startswith(CALENDLY_URL)]
    second["state"] = "disabled"
    assert main(["webhooks", "create", "calendly"]) == 0
    assert [row["state"] for row in desk.rows.values()] == ["active", "active"]
    assert main(["webhooks", "delete", "calendly"]) == 0
    assert [row["callback_url"] for row in desk.rows.values()] == ["https://elsewhere.example"]
    output += capsys.readouterr().out
    assert "secret" not in output


def test_check_says_whether_the_subscriptions_are_there(
    emulators: Emulators, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = emulators.calendly.app.webhooks
    emulators.salesloft.app.webhooks.subscribe("https://elsewhere.example", "theirs", "meeting_booked")
    main(["check"])
    output = capsys.readouterr().out
    assert "SALESLOFT: webhooks: meeting_booked points elsewhere; meeting_updated is not subscribed to" in output
    assert "CALENDLY: webhooks: invitee.created, " in output
    assert main(["webhooks", "create"]) == 0
    capsys.readouterr()
    main(["check"])
    output = capsys.readouterr().out
    assert output.count("webhooks: subscribed to, enabled, and they point here") == 2
    (row,) = desk.rows.values()
    row["state"] = "disabled"
    main(["check"])
    assert "invitee_no_show.deleted is disabled" in capsys.readouterr().out


def test_delete_leaves_what_points_elsewhere(emulators: Emulators) -> None:
    emulators.salesloft.app.webhooks.subscribe("https://elsewhere.example", "theirs", "meeting_booked")
    assert main(["webhooks", "create", "salesloft"]) == 0
    assert main(["webhooks", "delete", "salesloft"]) == 0
    assert subscribed(emulators) == [("meeting_booked", "https://elsewhere.example", "theirs")]
    assert main(["webhooks", "delete", "salesloft"]) == 0


def test_without_a_public_url_or_secret_it_says_so(
    emulators: Emulators, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SALESLOFT_WEBHOOK_SECRETS")
    assert main(["webhooks", "create", "salesloft"]) == 1
    assert "SALESLOFT_WEBHOOK_SECRETS" in capsys.readouterr().err
    monkeypatch.delenv("GATEWAY_PUBLIC_URL")
    assert main(["webhooks", "list"]) == 2
    assert "GATEWAY_PUBLIC_URL" in capsys.readouterr().err


def test_a_refused_credential_is_an_error_without_details(
    emulators: Emulators, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SALESLOFT_TOKEN", "ak-that-is-not-accepted")
    assert main(["webhooks", "list", "salesloft"]) == 1
    reported = capsys.readouterr().err
    assert "401" in reported
    assert "ak-that" not in reported
