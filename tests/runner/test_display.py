import io

from octavo.lab.folder import UnitLine
from octavo.runner.display import Live, Plain, display_for
from octavo.runner.plans import Unit

UNIT = Unit("aaren", "forecasting", None, 1, "smoke", "octavo.sequence.aaren.experiment")
STEP = {
    "kind": "step",
    "fit": "aaren [small] on ETTh1",
    "step": 30,
    "steps": 100,
    "loss": 0.25,
    "seconds_left": 75.0,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_say_where_everything_is() -> None:
    stream = io.StringIO()
    display = Plain("aaren", total=3, before=1, stream=stream, every=0.0)
    display.started(UNIT)
    display.report(UNIT, STEP)
    display.report(UNIT, {"kind": "evaluation", "fit": "aaren", "step": 30, "steps": 100, "metrics": {}})
    display.ended(UNIT, UnitLine("aaren", "forecasting", 1, "smoke", "done", seconds=3.21))
    lines = stream.getvalue().splitlines()
    assert (
        lines[0]
        == "aaren 1/3 forecasting, seed 1: aaren [small] on ETTh1, step 30/100, loss 0.25, 1 min 15 s left"
    )
    assert lines[-1] == "aaren 2/3 forecasting, seed 1: done in 3.2 s"
    assert "\x1b" not in stream.getvalue()


def test_plain_lines_come_every_ten_seconds_only() -> None:
    stream = io.StringIO()
    display = Plain("aaren", total=3, before=1, stream=stream)
    display.started(UNIT)
    for _ in range(100):
        display.report(UNIT, STEP)
        display.tick()
    assert stream.getvalue() == ""


def test_a_terminal_gets_bars() -> None:
    stream = Terminal()
    display = display_for("aaren", total=3, before=1, stream=stream)
    assert isinstance(display, Live)
    display.started(UNIT)
    display.report(UNIT, STEP)
    display.say(UNIT, "half [way]")
    display._progress.refresh()
    display.ended(UNIT, UnitLine("aaren", "forecasting", 1, "smoke", "needs", needs="gpu", why="No GPU."))
    display.close()
    shown = stream.getvalue()
    for words in (
        "aaren [small] on ETTh1",
        "1/3 units",
        "30/100",
        "loss 0.25",
        "1 min 15 s left",
        "half [way]",
    ):
        assert words in shown, words
    assert "needs gpu (No GPU.)" in shown


def test_silence_and_files() -> None:
    assert type(display_for("aaren", 3, 0, progress=False)).__name__ == "Silent"
    assert isinstance(display_for("aaren", 3, 0, stream=io.StringIO()), Plain)
