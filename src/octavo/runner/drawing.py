"""The figures of a run: drawn from all its records when the measuring is over."""

from collections.abc import Sequence

from octavo.lab.folder import FolderError, Run
from octavo.lab.parts import Plot


def draw(plots: Sequence[Plot], run: Run) -> list[str]:
    """Draw each plot into `figures/`.

    Returns:
        A line for each plot that was not drawn, for instance for want of records.
    """
    from octavo.lab.figures import house_style, to_png

    records = run.records()
    notes = []
    for plot in plots:
        try:
            with house_style():
                figure = plot(records)
                if figure is None:
                    notes.append(f"The figure {plot.name} was not drawn: it has too few records.")
                else:
                    run.save_figure(plot.name, to_png(figure))
        except FolderError:
            raise
        except Exception as error:
            notes.append(f"The figure {plot.name} was not drawn: {type(error).__name__}: {error}")
    return notes
