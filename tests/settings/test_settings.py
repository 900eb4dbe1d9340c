from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings.environment import BadSetting
from gateway.settings.kinds import is_loopback
from gateway.settings.settings import SOURCE_ON, Settings

TOKEN = "ak-9f1c-not-to-be-seen"


def test_the_defaults() -> None:
    settings = Settings.read({})
    server, browsers = settings.server, settings.browsers
    assert (server.host, server.port, server.deadline, server.drain) == ("127.0.0.1", 8000, 25, 2)
    assert (browsers.graphiql, browsers.introspection, browsers.trace) == (True, True, True)
    assert {
        (source.name, source.url, source.rate_limit, source.timeout, source.enabled) for source in settings.sources
    } >= {
        ("SALESLOFT", "https://api.salesloft.com", 300, 10, False),
        ("DRIFT", "https://driftapi.com", 300, 10, False),
    }
    assert settings.warnings == ()


def test_off_loopback_nothing_is_shown_that_was_not_asked_for() -> None:
    browsers = Settings.read({"GATEWAY_HOST": "0.0.0.0"}).browsers
    assert (browsers.graphiql, browsers.introspection, browsers.trace) == (False, False, False)
    assert Settings.read({"GATEWAY_HOST": "0.0.0.0", "GATEWAY_TRACE": "ON"}).browsers.trace is True


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.8.8", True), ("0.0.0.0", False), ("gw", False)],
)
def test_what_is_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("GATEWAY_PORT", "80x", "whole number from 0 to 65535"),
        ("GATEWAY_PORT", "65536", "whole number from 0 to 65535"),
        ("GATEWAY_PORT", "²", "whole number from 0 to 65535"),
        ("GATEWAY_PORT", "9" * 5000, "whole number from 0 to 65535"),
        ("GATEWAY_REPLICAS", "0", "whole number from 1 to"),
        ("GATEWAY_DEADLINE", "nan", "number of seconds from 0.1 to 600"),
        ("GATEWAY_DEADLINE", "soon", "number of seconds"),
        ("GATEWAY_DRAIN", "-1", "number of seconds from 0 to 600"),
        ("GATEWAY_TRACE", "yes", "one of on, off"),
        ("SALESLOFT_TIMEOUT", "0", "number of seconds from 0.05 to 600"),
        ("DRIFT_RATE_LIMIT", "many", "whole number from 1 to"),
        ("SALESLOFT_URL", "api.salesloft.com", "no scheme, so it is not a URL; it should look like https://api.sales"),
        ("DRIFT_URL", "localhost:9001", "should look like https://localhost:9001"),
        ("SALESLOFT_URL", "ftp://x", "scheme other than https and http"),
        ("SALESLOFT_URL", "https://user:word@x", "plain URL"),
        ("SALESLOFT_URL", "https://x?y", "plain URL"),
        ("SALESLOFT_URL", "https://[", "a URL"),
        ("SALESLOFT_TOKEN", "two words", "one word of ASCII"),
        ("SALESLOFT_TOKEN", "ak\n", None),
        ("DRIFT_TOKEN", "tökén", "one word of ASCII"),
        ("DRIFT_TOKEN_FILE", "/no/such/file", "should name a file"),
        ("GATEWAY_ENV_FILE", "/no/such/file", "should name a file"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(name: str, value: str, right: str | None) -> None:
    if right is None:
        assert Settings.read({name: value}).source("SALESLOFT").enabled
        return
    with pytest.raises(BadSetting) as caught:
        Settings.read({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert right in message
    assert "\n" not in message
    assert len(message) < 200


def test_a_bad_secret_is_not_shown() -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read({"SALESLOFT_TOKEN": f"{TOKEN} {TOKEN}"})
    assert TOKEN not in str(caught.value)


def test_secrets_do_not_show_in_settings() -> None:
    settings = Settings.read({"SALESLOFT_TOKEN": TOKEN, "DRIFT_TOKEN": TOKEN})
    assert TOKEN not in repr(settings)
    token = settings.source("SALESLOFT").token
    assert token is not None
    assert token.reveal() == TOKEN


def test_a_secret_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    token = Settings.read({"DRIFT_TOKEN_FILE": str(file)}).source("DRIFT").token
    assert token is not None
    assert token.reveal() == TOKEN
    with pytest.raises(BadSetting, match="DRIFT_TOKEN_FILE is set too"):
        Settings.read({"DRIFT_TOKEN_FILE": str(file), "DRIFT_TOKEN": TOKEN})
    file.write_text("\n")
    with pytest.raises(BadSetting, match="is empty"):
        Settings.read({"DRIFT_TOKEN_FILE": str(file)})
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSetting, match="not text in UTF-8"):
        Settings.read({"DRIFT_TOKEN_FILE": str(file)})


def test_a_dotenv_file_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("# ours\nexport GATEWAY_PORT=9000\nDRIFT_TOKEN='a$b{c}'\nGATEWAY_DEADLINE=7\nGATEWAY_PROT=1\n")
    settings = Settings.read({"GATEWAY_ENV_FILE": str(file), "GATEWAY_DEADLINE": "8", "GATEWAY_PORT": ""})
    assert (settings.server.port, settings.server.deadline) == (9000, 8)
    token = settings.source("DRIFT").token
    assert token is not None
    assert token.reveal() == "a$b{c}"
    assert settings.warnings == ("GATEWAY_PROT is not a setting; did you mean GATEWAY_PORT?",)


def test_unknown_names_are_reported_with_similar_ones() -> None:
    given = {"SALESLOFT_TOKEM": "x", "DRIFT_URLS": "x", "GATEWAY_COLOUR_SCHEME": "x", "PATH": "x", "GATEWAY_X": ""}
    assert Settings.read(given).warnings == (
        "DRIFT_URLS is not a setting; did you mean DRIFT_URL?",
        "GATEWAY_COLOUR_SCHEME is not a setting",
        "SALESLOFT_TOKEM is not a setting; did you mean SALESLOFT_TOKEN?",
    )


def test_one_source_has_to_be_on() -> None:
    with pytest.raises(BadSetting, match="no source is on"):
        Settings.read({}, [SOURCE_ON])
    Settings.read({"DRIFT_TOKEN": TOKEN}, [SOURCE_ON])
