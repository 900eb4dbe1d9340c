"""`docs/emulators.md` names tests that exist, and its example runs."""

import re
from pathlib import Path

from gateway.emulator.server import Emulators
from gateway.emulator.world import World

HERE = Path(__file__).parent
TEXT = (HERE.parents[1] / "docs" / "emulators.md").read_text(encoding="utf-8")


def test_every_test_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    written = {
        name for path in HERE.glob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 50
    assert named - written == set()


def test_every_row_that_is_emulated_names_a_test() -> None:
    rows = [line.strip("| \n").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    for row in rows:
        if len(row) >= 3 and row[1] in {"documented", "seen", "chosen"} and not row[2].startswith("no"):
            assert "`test_" in row[-1], row


async def test_the_examples_run(small: World) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    source = "async def start():\n" + "".join(f"    {line}\n" for line in blocks[0].splitlines())
    scope: dict[str, object] = {}
    exec(compile(source, "docs", "exec"), scope)
    start = scope["start"]
    assert callable(start)
    await start()
    async with Emulators.start(world=small) as emulators:
        source = "async def faults(emulators):\n" + "".join(f"    {line}\n" for line in blocks[1].splitlines())
        exec(compile(source, "docs", "exec"), scope)
        faults = scope["faults"]
        assert callable(faults)
        await faults(emulators)
        assert emulators.drift.calls == []
