"""The parent of several workers: uvicorn's, which logs what it does on SIGHUP and can be stopped meanwhile."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from socket import socket

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gateway.runtime.signals import Hangup
from gateway.settings.environment import BadSetting

log = logging.getLogger(__name__)

LOOK = 0.2
"""Seconds between two checks whether a worker has ended."""


class Supervisor(Multiprocess):
    """Starts workers, and replaces them one by one on SIGHUP.

    Args:
        config: What they serve, and how.
        sockets: Where.
        check: Makes sure that workers would start with the settings as they are by now; raises `BadSetting`.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket], *, check: Callable[[], object]) -> None:
        super().__init__(config, sockets)
        self._check = check
        self._hangup = Hangup()
        self._leaving: list[Process] = []
        self._stopping = _Stopping(self)

    def handle_hup(self) -> None:
        """Replaces the workers, which read all settings again; none of them where the settings are no longer valid."""
        if self._hangup.is_of_the_terminal():
            self.should_exit.set()
            return
        log.info("reload: replacing the workers one by one", extra={"workers": len(self.processes)})
        try:
            self._check()
        except BadSetting as faults:
            for fault in str(faults).splitlines():
                log.error("reload: %s; the workers stay as they are", fault)  # noqa: TRY400 - it says all
            return
        except Exception:
            log.exception("reload: failed; the workers stay as they are")
            return
        self.restart_all()

    def restart_all(self) -> None:
        """Brings each worker's replacement into service before the worker is stopped."""
        for place, old in enumerate(self.processes):
            new = Process(self.config, self.sockets)
            new.start()
            if not new.wait_until_ready(self.config.timeout_worker_healthcheck, self._stopping):
                new.kill()
                new.join()
                if not self._stopping.is_set():
                    log.error(
                        "reload: worker %d did not get ready; worker %d and those after it stay", new.pid, old.pid
                    )
                return
            log.info("reload: worker %d is ready, worker %d ends", new.pid, old.pid)
            self.processes[place] = new
            self._leaving.append(old)
            old.terminate()
            while old.process.is_alive() and not self._stopping.is_set():
                old.process.join(LOOK)
            if self._stopping.is_set():
                return
            self._leaving.remove(old)
        log.info("reload: done", extra={"workers": len(self.processes)})

    def terminate_all(self) -> None:
        """Stops all workers and closes the socket, which would otherwise accept connections that nobody serves."""
        log.info("stopping", extra={"workers": len(self.processes)})
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Waits until every worker has ended."""
        super().join_all()
        for process in self._leaving:
            process.join()


class _Stopping(threading.Event):
    """Set once the supervisor is to stop, pending signals included."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__()
        self._supervisor = supervisor

    def is_set(self) -> bool:
        """Whether it was."""
        queued = {signal.SIGTERM, signal.SIGINT} & set(self._supervisor.signal_queue)
        return bool(queued) or self._supervisor.should_exit.is_set()
