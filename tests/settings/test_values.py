"""Every kind of value with nonsense: each is refused in a line that names the setting and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.environment import BadSetting, BadSettings
from gateway.settings.settings import GUARDED, NAMES, SOURCE_ON, TABLES, Settings
from gateway.settings.sources import SOURCES
from gateway.settings.table import Setting

SECRET = "hunter2-not-to-be-seen"
ROWS = [row for table in TABLES for row in table.rows]


def refused(name: str, value: str) -> str:
    """What is said of a value, which has to be one line about that setting."""
    with pytest.raises(BadSetting) as caught:
        Settings.read({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert len(message) < 300
    assert message.isprintable()
    return message


def of_kind(part: str) -> list[str]:
    return [row.name for row in ROWS if part in row.kind.expected]


@pytest.mark.parametrize("name", of_kind("whole number"))
@pytest.mark.parametrize(
    "value", ["-1", "1.5", "1e3", "1_000", "0x10", "ten", "²", "٣", "9" * 5000, "1,000", "+5", "99999999"]
)
def test_whole_numbers(name: str, value: str) -> None:
    assert "is not a whole number from" in refused(name, value)


@pytest.mark.parametrize("name", of_kind("number of seconds from"))
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e1", "1_0", "5s", "٣", "9" * 400, "601", "1,5", "."])
def test_seconds(name: str, value: str) -> None:
    assert "is not a number of seconds from" in refused(name, value)


ODD = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"[a-z+]{0,8}:?//?[^ ]{0,40}"),
    st.from_regex(r"[0-9eE.,+_x-]{1,20}", fullmatch=True),
    st.sampled_from(
        ["\x00", "\x1b[0m", "a\nb", "\ud83d", "9" * 5000, "a" * 100_000, "/" * 5000, "https://[", "~", "*"]
    ),
)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", sorted(NAMES))
@settings(max_examples=30, deadline=None, database=None, print_blob=True)
@given(value=ODD)
def test_nonsense_is_a_value_or_one_line_that_can_be_printed(name: str, value: str) -> None:
    said = ""
    try:
        Settings.read({name: value})
    except BadSetting as fault:
        said = str(fault)
    assert said.isprintable()
    assert len(said) < 500


@pytest.mark.parametrize("name", of_kind("one of "))
@pytest.mark.parametrize("value", ["yes", "1", "true", "on,off", "n one"])
def test_words(name: str, value: str) -> None:
    assert "is not one of " in refused(name, value)


URLS = [row.name for row in ROWS if "https" in row.kind.column]


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("host.example", "has no scheme"),
        ("host.example:443/path", "should look like https://host.example:443/path"),
        ("//host.example", "has no scheme"),
        ("https:/host.example", "has no scheme"),
        ("https//host.example", "has no scheme"),
        ("ftp://host.example", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript://x", "scheme"),
        ("https://", "plain URL"),
        ("https://:443", "plain URL"),
        ("https://host.example:0", "plain URL"),
        ("https://host.example:65536", "is not a URL"),
        ("https://host.example:port", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://user:word@host.example", "plain URL"),
        ("https://user@host.example", "plain URL"),
        ("https://host.example?q=1", "plain URL"),
        ("https://host.example#part", "plain URL"),
        ("https://host example", "plain URL"),
        ("https://hößt.example", "plain URL"),
        ("https://ho_st.-example-", "plain URL"),
        ("https://host..example", "plain URL"),
        ("https://999.1.1.1", "plain URL"),
        ("https://host.example/a b", "plain URL"),
        ("http://host.example", "in clear"),
        ("HTTP://host.example", "in clear"),
        ("http://10.0.0.1:8080/x", "in clear"),
        ("http://0.0.0.0", "in clear"),
        ("http://localhost.example", "in clear"),
        ("http://127.0.0.1.example", "in clear"),
    ],
)
def test_urls(name: str, value: str, said: str) -> None:
    message = refused(name, value)
    assert said in message
    assert "word" not in message.replace("password", "")


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "value",
    [
        "https://host.example/path/",
        "https://10.0.0.1:8443",
        "https://[2001:db8::1]/x",
        "http://127.0.0.1:9",
        "http://[::1]:1",
    ],
)
def test_urls_that_are_valid(name: str, value: str) -> None:
    issuer = {"GATEWAY_JWT_ISSUER": "x", "GATEWAY_JWT_AUDIENCE": "x"} if name == "GATEWAY_JWKS_URL" else {}
    assert value.rstrip("/") in repr(Settings.read({name: value, **issuer}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("redis://host/zero", "number of a database"),
        ("redis://host/-1", "number of a database"),
        ("redis://host/0/1", "number of a database"),
        ("redis://host/1.5", "number of a database"),
        ("redis://host/٣", "number of a database"),
        ("redis://host:0/0", "is neither memory://"),
        ("redis://host:70000/0", "is neither memory://"),
        ("redis://host:port/0", "is neither memory://"),
        ("redis:///0", "is neither memory://"),
        ("redis://", "is neither memory://"),
        ("redis:host", "is neither memory://"),
        ("host:6379", "is neither memory://"),
        ("http://host:6379", "is neither memory://"),
        ("unix:///run/redis.sock", "is neither memory://"),
        ("memory://x", "is neither memory://"),
        ("memory", "is neither memory://"),
        ("redis://ho st/0", "is neither memory://"),
        ("redis://host/0#x", "is neither memory://"),
        ("redis://host/0?max_connections=1", "has the option"),
        ("redis://host/0?db=zero", "has the option"),
        ("redis://host/0?socket_timeout=soon", "has the option"),
        (f"redis://user:{SECRET}@host/zero", "number of a database"),
        (f"redis://user:{SECRET}@host:port/0", "is neither memory://"),
    ],
)
def test_the_cache(value: str, said: str) -> None:
    message = refused("GATEWAY_CACHE_URL", value)
    assert said in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "value", ["redis://host", "redis://host/", "redis://:p%40ss@host:6379/15", "rediss://host/0?ssl_cert_reqs=none"]
)
def test_caches_that_are_valid(value: str) -> None:
    url = Settings.read({"GATEWAY_CACHE_URL": value}).cache.url
    assert url is not None
    assert url.reveal() == value
    assert Settings.read({"GATEWAY_CACHE_URL": "MEMORY://"}).cache.url is None


@pytest.mark.parametrize("name", [row.name for row in ROWS if row.name.startswith("GATEWAY_TTL_")])
@pytest.mark.parametrize("value", ["10", "10,20,30", "1,2,3,4", "a,b", "-1,2", "nan,1", "1,9e9", "1;2", "1,"])
def test_lifetimes(name: str, value: str) -> None:
    assert "two numbers of seconds" in refused(name, value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GATEWAY_HOST", "http://0.0.0.0", "a host name or an IP address"),
        ("GATEWAY_HOST", "localhost:8000", "a host name or an IP address"),
        ("GATEWAY_HOST", "300.1.1.1", "a host name or an IP address"),
        ("GATEWAY_HOST", "a b", "a host name or an IP address"),
        ("GATEWAY_HOST", "-x", "a host name or an IP address"),
        ("GATEWAY_CORS_ORIGINS", "*", "is not a valid origin"),
        ("GATEWAY_CORS_ORIGINS", "app.example", "is not a valid origin"),
        ("GATEWAY_CORS_ORIGINS", "https://app.example/", "is not a valid origin"),
        ("GATEWAY_CORS_ORIGINS", "https://a.example,https://b.example/x", '"https://b.example/x" is not'),
        ("GATEWAY_CORS_ORIGINS", "https://a.example:99999", "is not a valid origin"),
        ("GATEWAY_CORS_ORIGINS", "null", "is not a valid origin"),
        ("GATEWAY_CORS_ORIGINS", "https://app.example:*", "a host that is not this machine"),
        ("GATEWAY_CORS_ORIGINS", "http://localhost:80:*", "is not a valid origin"),
        ("GATEWAY_ALLOWED_HOSTS", "localhost:8000", '"localhost:8000" is not a host name without a port'),
        ("GATEWAY_ALLOWED_HOSTS", "https://app.example", "is not a host name"),
        ("GATEWAY_ALLOWED_HOSTS", "a.example,*.*.example", '"*.*.example" is not a host name'),
        ("GATEWAY_ALLOWED_HOSTS", "*.127.0.0.1", "is not a host name"),
        ("GATEWAY_ALLOWED_HOSTS", "exa*mple.com", "is not a host name"),
        ("GATEWAY_TRUSTED_PROXIES", "proxy.example", '"proxy.example" is not an address or a network'),
        ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/33", "is not an address or a network"),
        ("GATEWAY_TRUSTED_PROXIES", "*", "is not an address or a network"),
        ("GATEWAY_PUBLIC_URL", "graph.example", "has no scheme"),
        ("GATEWAY_MAX_DOCUMENT", "99", "is not a whole number from 100 to 1000000"),
        ("GATEWAY_METRICS_OPERATIONS", "A,B-C", '"B-C" is not an operation name'),
        (
            "GATEWAY_METRICS_OPERATIONS",
            ",".join(f"A{n}" for n in range(201)),
            "lists 201 operation names; 200 are the most",
        ),
        ("GATEWAY_FEDERATION_VERSION", "3.0", "is not a version from 2.0 to 2.12"),
        ("GATEWAY_FEDERATION_VERSION", "v2.9", "is not a version"),
        ("GATEWAY_FEDERATION_DIRECTIVES", "policy", "is not one of tag"),
        ("GATEWAY_FEDERATION_PREFIX", "9Sales", '"9Sales" cannot begin a name: up to 40 letters'),
        ("GATEWAY_FEDERATION_PREFIX", "Sales__", "cannot begin a name"),
        ("GATEWAY_API_KEYS", ",,", "holds no key"),
        ("GATEWAY_ROUTER_KEYS", "a b", "not one word"),
        ("GATEWAY_METRICS_KEYS", "x:y:z", "names the scope"),
        ("GATEWAY_JWT_AUDIENCE", "x", "without GATEWAY_JWKS_URL"),
        ("GATEWAY_JWT_ISSUER", "a\x07b", "cannot be printed"),
        ("GATEWAY_TRUSTED_DOCUMENTS", "/", "is a folder"),
        ("GATEWAY_OFF_FILE", "/", "is a folder"),
        ("GATEWAY_OFF_FILE", "a\x1bb", "not the path of a file"),
    ],
)
def test_texts_lists_and_paths(name: str, value: str, said: str) -> None:
    assert said in refused(name, value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind.secret], ids=lambda row: row.name)
def test_files_of_secrets(row: Setting, tmp_path: Path) -> None:
    name = f"{row.name}_FILE"
    assert "cannot be read" in refused(name, str(tmp_path / "none"))
    assert "cannot be read" in refused(name, str(tmp_path))
    assert "cannot be read" in refused(name, f"/{'x' * 5000}")[:300]
    (tmp_path / "empty").write_text(" \n")
    assert "is empty" in refused(name, str(tmp_path / "empty"))
    (tmp_path / "binary").write_bytes(b"\xff")
    assert "not text in UTF-8" in refused(name, str(tmp_path / "binary"))


def test_a_path_in_a_file_of_settings_with_a_null_character(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_bytes(b"DRIFT_TOKEN_FILE='a\0b'\n")
    with pytest.raises(BadSetting, match="DRIFT_TOKEN_FILE: is not the path of a file"):
        Settings.read({"GATEWAY_ENV_FILE": str(file)})


def test_a_line_of_a_file_of_settings_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text(f"GATEWAY_PORT=1\n\n'{SECRET}\n")
    with pytest.raises(BadSetting, match="GATEWAY_ENV_FILE: line 3 cannot be read") as caught:
        Settings.read({"GATEWAY_ENV_FILE": str(file)})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("keys", [{"GATEWAY_API_KEYS": SECRET}, {"GATEWAY_JWKS_URL": "https://login.example/keys"}])
def test_no_authentication_beside_credentials_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=f"GATEWAY_AUTH: is none, but {next(iter(keys))} is set"):
        Settings.read({"GATEWAY_AUTH": "none", **keys})


def test_all_faults_are_named_at_once() -> None:
    wrong = {
        "SALESLOFT_URL": "x",
        "SALESLOFT_TOKEN": "a b",
        "DRIFT_TIMEOUT": "0",
        "GATEWAY_PORT": "x",
        "GATEWAY_CACHE_URL": "x",
        "GATEWAY_API_KEYS": "x:",
        "GATEWAY_GRAPHIQL": "x",
        "GATEWAY_MAX_DEPTH": "0",
        "GATEWAY_FEDERATION_VERSION": "1",
        "GATEWAY_FEDERATION_PREFIX": "é",
        "GATEWAY_METRICS_OPERATIONS": "-",
        "GATEWAY_OTEL": "x",
        "GATEWAY_ENV_FILE": "/no/such/file",
    }
    with pytest.raises(BadSettings) as caught:
        Settings.read(wrong, (SOURCE_ON, GUARDED))
    assert {fault.name for fault in caught.value.faults} == set(wrong)
    assert str(caught.value).count("\n") == len(wrong) - 1


def test_what_depends_on_a_faulty_setting_is_not_judged() -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.read({"DRIFT_TOKEN": "a b"}, (SOURCE_ON,))
    assert "no source" not in str(caught.value)
    with pytest.raises(BadSettings) as both:
        Settings.read({"GATEWAY_HOST": "0.0.0.0", "GATEWAY_PORT": "8000"}, (SOURCE_ON, GUARDED))
    assert {fault.name for fault in both.value.faults} == {
        "GATEWAY_AUTH",
        " or ".join(f"{source.prefix}_TOKEN" for source in SOURCES),
    }


def test_lists_of_the_network() -> None:
    settings = Settings.read(
        {
            "GATEWAY_CORS_ORIGINS": "HTTPS://App.Example:443, http://localhost:*,http://[::1]:80",
            "GATEWAY_ALLOWED_HOSTS": "Graph.Example., *.example.com,::1,[2001:DB8::1],127.0.0.1,*",
            "GATEWAY_TRUSTED_PROXIES": "10.0.0.1/8, ::1,192.0.2.7",
        }
    ).browsers
    assert settings.origins == {"https://app.example", "http://localhost:*", "http://[::1]"}
    assert settings.allowed_hosts == {"graph.example", "*.example.com", "[::1]", "[2001:db8::1]", "127.0.0.1", "*"}
    assert {str(network) for network in settings.trusted_proxies} == {"10.0.0.0/8", "::1/128", "192.0.2.7/32"}
