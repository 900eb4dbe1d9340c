"""What holds for every test: nothing leaves this machine, and where CI runs nothing is skipped."""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

NO_SKIPS = os.environ.get("NO_SKIPS") == "1"  # outside the names of settings, which the gateway would read


class OutsideAccess(BaseException):
    """A test reached for another machine. Not an Exception, so that nothing under test can take it for an answer."""


def loopback(host: object) -> bool:
    """Whether a host, as it is given to sockets and look-ups, is this machine."""
    if host is None:
        return True
    name = (host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)).partition("%")[0]
    if name in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def stay(host: object) -> None:
    """Refuses any host but this machine."""
    if not loopback(host):
        raise OutsideAccess(f"tests reach loopback only, not {host!r}")


def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A socket's method whose last argument is an address, held to this machine."""

    def method(self: socket.socket, *arguments: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            stay(arguments[-1][0])
        return original(self, *arguments)

    return method


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuses connections to, datagrams for and look-ups of anything but this machine."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        stay(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def signals_of_a_terminal() -> None:
    """Lets children be interrupted: a process started in the background of a script ignores signals, as do its own."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undoes what a test sets of logging, which is the process's: the next test looks at its own lines."""
    loggers = [logging.getLogger(name) for name in (None, "uvicorn", "uvicorn.access")]
    before = [(logger.level, logger.disabled) for logger in loggers]
    handlers = loggers[0].handlers[:]
    yield
    for logger, (level, disabled) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.disabled = disabled
    loggers[0].handlers[:] = handlers


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure where NO_SKIPS=1: there, what cannot run is a fault of the set-up."""
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{why}\nNO_SKIPS=1: nothing may be skipped here."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself."""
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself."""
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what a sample leaves out: `make test` and `make test-slow` together run every case once."""
    seen: Counter[str] = Counter()
    for item in items:
        sampled = item.get_closest_marker("sampled")
        if sampled is None:
            continue
        (one_in,) = sampled.args
        test = item.nodeid.partition("[")[0]
        if seen[test] % one_in:
            item.add_marker(pytest.mark.slow)
        seen[test] += 1


def pytest_collection_finish() -> None:
    """Keeps the garbage collector from walking all modules again and again: that takes a third of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
