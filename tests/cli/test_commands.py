"""The commands as processes: what they print, how they end."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from gateway.cli import main
from gateway.commands.demo import emulated
from gateway.emulator.server import Emulators
from gateway.graph.schema import sdl
from gateway.model.records import Source

LONGEST = 60
"""Seconds that a command may take on a busy machine; none is waited for longer than it takes."""

SETTINGS = ("SALESLOFT_URL", "SALESLOFT_TOKEN", "DRIFT_URL", "DRIFT_TOKEN")
TOKEN = "ak-9f1c-not-to-be-seen"
Start = Callable[..., subprocess.Popen[str]]


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def environment(**settings: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "SALESLOFT_", "DRIFT_"))
    }
    return {**kept, **settings}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command that ends by itself, here."""
    root, server = logging.getLogger(), logging.getLogger("uvicorn")
    kept = root.handlers, root.level, server.level

    def here(*arguments: str, **settings: str) -> Done:
        monkeypatch.setattr(os, "environ", environment(**settings))
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse's own way out
            code = int(ended.code or 0)
        return Done(code, *capsys.readouterr())

    yield here
    root.handlers, root.level, server.level = kept
    logging.getLogger("uvicorn.access").disabled = False


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a command that serves; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *arguments],
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line_with(stream: Any, wanted: str) -> str:
    """The next line of a stream that holds a text."""
    for line in stream:
        if wanted in line:
            return str(line)
    raise AssertionError(f"nothing said {wanted!r}")


def ask(url: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One HTTP exchange on a connection of its own."""
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=LONGEST) as connection:
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(head.encode() + b"\r\n" + (body or b""))
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    top, _, content = b"".join(parts).partition(b"\r\n\r\n")
    return int(top.split()[1]), content


def test_the_demo_answers_its_own_query_and_ends_on_ctrl_c(start: Start) -> None:
    process = start("demo", "--port", "0")
    url = line_with(process.stdout, "GraphiQL").split()[1]
    command = line_with(process.stdout, "curl") + line_with(process.stdout, "-d ")
    body = shlex.split(command.replace("One query", "").replace("\\\n", " "))[-1]
    status, content = ask(url, "/graphql", body.encode())
    assert status == 200
    answer = json.loads(content)
    assert "errors" not in answer
    assert len(answer["data"]["meetings"]["nodes"]) == 3
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopped.\n")


REPORTS = b'{"query": "{ meetings(first: 1) { nodes { title } sourceReports { source status code } } }"}'


@pytest.mark.slow
def test_the_demo_of_a_bad_day(start: Start) -> None:
    process = start("demo", "--port", "0", "--down", "DRIFT", "--latency", "5", "--units", "500", "--seed", "11")
    assert "drift is down" in line_with(process.stdout, "Today")
    url = line_with(process.stdout, "GraphiQL").split()[1]
    status, content = ask(url, "/graphql", REPORTS)
    answer = json.loads(content)
    assert (status, answer.get("errors")) == (200, None)
    (drift,) = [report for report in answer["data"]["meetings"]["sourceReports"] if report["source"] == "DRIFT"]
    assert drift == {"source": "DRIFT", "status": "FAILED", "code": "UPSTREAM_UNAVAILABLE"}
    assert len(answer["data"]["meetings"]["nodes"]) == 1


@pytest.mark.parametrize(
    ("option", "value"), [("--down", "hubspot"), ("--fail", "101"), ("--latency", "-1"), ("--units", "0")]
)
def test_a_bad_day_that_cannot_be(run: Run, option: str, value: str) -> None:
    done = run("emulate", option, value)
    assert done.returncode == 2
    assert option in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("error", [ValueError("odd"), OSError(98, "taken"), KeyboardInterrupt(), SystemExit(3)])
def test_emulators_that_do_not_start_hold_nobody_up(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(Emulators, "start", fail)
    with pytest.raises(type(error)), emulated():
        raise AssertionError("they have started")


def test_emulators_that_end_by_themselves_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: ended.set())
    with emulated() as emulators:
        loop = emulators.salesloft.listener._server.get_loop()  # type: ignore[union-attr]
        loop.call_soon_threadsafe(loop.stop)
        assert ended.wait(LONGEST)


@pytest.mark.slow
def test_the_demo_with_workers(start: Start) -> None:
    process = start("demo", "--port", "0", "--workers", "2")
    url = line_with(process.stdout, "GraphiQL").split()[1]
    assert ask(url, "/readyz")[0] == 200
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
    _, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, err) == (0, "")


@pytest.mark.slow
def test_serve_drains_before_it_ends(start: Start) -> None:
    settings = {
        "SALESLOFT_TOKEN": TOKEN,
        "SALESLOFT_URL": "http://127.0.0.1:9",
        "GATEWAY_DRAIN": "600",
        "GATEWAY_PROT": "1",
    }
    process = start("serve", "--port", "0", "--log-format", "json", **settings)
    assert "did you mean GATEWAY_PORT?" in json.loads(line_with(process.stderr, "GATEWAY_PROT"))["message"]
    listening = json.loads(line_with(process.stderr, "listening"))
    url = listening["url"]
    assert ask(url, "/readyz")[0] == 200
    process.send_signal(signal.SIGTERM)
    while ask(url, "/readyz")[0] == 200:  # until the signal has arrived
        assert process.poll() is None
    assert ask(url, "/healthz")[0] == 200
    assert json.loads(ask(url, "/readyz")[1])["status"] == "CLOSING"
    process.send_signal(signal.SIGTERM)  # a second one does not wait
    _, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert TOKEN not in err
    assert "Traceback" not in err
    assert stopping(err) == [{"drain": 600}]
    assert {name: listening[name] for name in ("version", "sources", "cache", "authentication", "graphiql")} == {
        "version": version("meeting-gateway"),
        "sources": {source.value: "on" if source is Source.SALESLOFT else "off" for source in Source},
        "cache": "memory",
        "authentication": "none",
        "graphiql": "on",
    }


@pytest.mark.slow
def test_serve_with_workers_ends_on_sigterm(start: Start) -> None:
    settings = {"DRIFT_TOKEN": TOKEN, "DRIFT_URL": "http://127.0.0.1:9", "GATEWAY_DRAIN": "0"}
    process = start("serve", "--port", "0", "--workers", "2", "--log-format", "json", **settings)
    listening = json.loads(line_with(process.stderr, "listening"))
    assert ask(listening["url"], "/readyz")[0] == 200
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert listening["workers"] == 2
    assert stopping(err) == [{"workers": 2}], "the supervisor says so, for all"


@pytest.mark.slow
def test_what_it_serves_is_said_in_one_line(start: Start) -> None:
    settings = {
        "SALESLOFT_CLIENT_ID": "c-1",
        "SALESLOFT_CLIENT_SECRET": TOKEN,
        "SALESLOFT_URL": "http://127.0.0.1:9",
        "DRIFT_TOKEN": TOKEN,
        "DRIFT_URL": "http://127.0.0.1:9",
        "GATEWAY_CACHE_URL": f"redis://:{TOKEN}@127.0.0.1:9/0",
        "GATEWAY_API_KEYS": f"{TOKEN}-0123456789",
        "GATEWAY_JWKS_URL": "https://issuer.example/keys",
        "GATEWAY_GRAPHIQL": "off",
        "GATEWAY_DRAIN": "600",
    }
    process = start("serve", "--port", "0", "--log-format", "json", **settings)
    line = line_with(process.stderr, "listening")
    ask(json.loads(line)["url"], "/healthz")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONGEST)
    listening = json.loads(line)
    on = {name for name, state in listening["sources"].items() if state == "on"}
    assert (on, listening["cache"]) == ({"SALESLOFT", "DRIFT"}, "redis")
    assert (listening["authentication"], listening["graphiql"]) == ("keys+jwt", "off")
    assert stopping(err) == [{"drain": 0}], "Ctrl-C does not wait"
    assert TOKEN not in line + err
    assert "issuer.example" not in line


def stopping(err: str) -> list[dict[str, Any]]:
    """The messages of lines about a stop; every line is JSON."""
    lines = [json.loads(line) for line in err.splitlines()]
    usual = {"level", "logger", "timestamp", "message"}
    return [{name: line[name] for name in line.keys() - usual} for line in lines if line["message"] == "stopping"]


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["serve"], {}, "no source is on"),
        (["serve"], {"DRIFT_TOKEN": TOKEN, "GATEWAY_PORT": "x"}, "GATEWAY_PORT: "),
        (["serve"], {"DRIFT_TOKEN": f"{TOKEN} x"}, "DRIFT_TOKEN: "),
        (["serve"], {"GATEWAY_ENV_FILE": "/no/such/file"}, "GATEWAY_ENV_FILE: "),
        (["serve", "--host", "192.0.2.1"], {"DRIFT_TOKEN": TOKEN}, "GATEWAY_AUTH: "),
        (["serve", "--host", "192.0.2.1"], {"DRIFT_TOKEN": TOKEN, "GATEWAY_AUTH": "none"}, "GATEWAY_HOST: "),
        (["serve"], {"DRIFT_TOKEN": TOKEN, "GATEWAY_AUTH": "required"}, "GATEWAY_AUTH: "),
        (["serve", "--workers", "3"], {"DRIFT_TOKEN": TOKEN, "DRIFT_RATE_LIMIT": "2"}, "DRIFT_RATE_LIMIT: 2 a minute"),
        (
            ["serve", "--workers", "2"],
            {"SALESLOFT_TOKEN": TOKEN, "SALESLOFT_RATE_LIMIT": "15", "GATEWAY_REPLICAS": "8"},
            "divided among 16 processes",
        ),
        (["serve"], {"DRIFT_TOKEN": TOKEN, "GATEWAY_TRUSTED_DOCUMENTS": "/no/such/file"}, "GATEWAY_TRUSTED_DOCUMENTS"),
    ],
)
def test_a_bad_setting_is_one_line(run: Run, arguments: list[str], settings: dict[str, str], said: str) -> None:
    done = run(*arguments, **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert TOKEN not in done.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_one_line_that_names_the_option(run: Run, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(command, "--port", port, SALESLOFT_TOKEN=TOKEN)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.slow
def test_emulate_prints_settings_that_work(start: Start) -> None:
    process = start("emulate")
    printed = {name: line_with(process.stdout, name).strip().split("=", 1)[1] for name in SETTINGS}
    assert ask(printed["SALESLOFT_URL"], "/v2/meetings")[0] == 401
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LONGEST)
    assert process.returncode == 0


def test_emulate_with_a_port_in_use(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("emulate", "--drift-port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "--drift-port" in done.stderr.splitlines()[-1]


def test_schema_prints_and_checks(run: Run, tmp_path: Path) -> None:
    printed = run("schema")
    assert (printed.returncode, printed.stdout) == (0, sdl())
    kept = tmp_path / "schema.graphql"
    kept.write_text(printed.stdout)
    assert run("schema", "--check", str(kept)).returncode == 0
    kept.write_text(printed.stdout.replace("type Query", "type Quarry"))
    stale = run("schema", "--check", str(kept))
    assert stale.returncode == 1
    assert "-type Quarry" in stale.stdout
    assert "+type Query" in stale.stdout
    assert "stale" in stale.stderr
    assert run("schema", "--check", str(tmp_path / "none")).returncode == 1


@pytest.mark.parametrize("command", ["serve", "demo", "emulate", "check", "schema", "explain"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    shown = run(command, "--help")
    assert shown.returncode == 0
    assert re.search(rf"example: .*meeting-gateway {command}", shown.stdout)


def test_wrong_usage(run: Run) -> None:
    done = run("serve", "--port", "99999")
    assert done.returncode == 2
    assert "not a whole number from 0 to 65535" in done.stderr
    assert run("sreve").returncode == 2


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"meeting-gateway \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_check_reports_an_unknown_setting(run: Run) -> None:
    done = run("check", SALESLOFT_TOKEN=TOKEN, SALESLOFT_URL="http://127.0.0.1:9", SALESLOFT_TIMEOUTS="3")
    assert done.returncode == 1
    assert "SALESLOFT_TIMEOUTS" in done.stderr
    assert "SALESLOFT_TIMEOUT" in done.stderr.replace("SALESLOFT_TIMEOUTS", ""), "what may have been meant"
    assert TOKEN not in done.stderr + done.stdout
