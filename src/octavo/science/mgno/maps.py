"""Fields as pictures: an input, its solution, what systems say, and where they err."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from octavo.science.mgno.figures import label


def error_maps(
    a: Float[np.ndarray, "height width"],
    u: Float[np.ndarray, "height width"],
    predicted: Mapping[str, Float[np.ndarray, "height width"]],
    title: str,
) -> Any:
    """An input, its solution, what each system says, and where it errs.

    Args:
        a: the input.
        u: the solution.
        predicted: by system.
        title: of the figure.
    """
    import matplotlib.pyplot as plt

    columns = 1 + len(predicted)
    figure, panels = plt.subplots(2, columns, figsize=(2.5 * columns, 5.2))
    low, high = float(u.min()), float(u.max())
    reach = max((float(np.abs(field - u).max()) for field in predicted.values()), default=1.0)
    # Dark is little, as in a drawing; white and black are left to the page.
    least, span = float(a.min()), float(a.max() - a.min())
    grey = {"cmap": "gray", "vmin": least - 0.1 * span, "vmax": least + 1.25 * span}
    panels[0, 0].imshow(a, interpolation="nearest", **grey)
    panels[0, 0].set_title("input", fontsize=10)
    panels[1, 0].imshow(u, cmap="viridis", vmin=low, vmax=high)
    panels[1, 0].set_title("solution", fontsize=10)
    image = None
    for column, (system, field) in enumerate(predicted.items(), start=1):
        panels[0, column].imshow(field, cmap="viridis", vmin=low, vmax=high)
        panels[0, column].set_title(label(system), fontsize=10)
        image = panels[1, column].imshow(field - u, cmap="RdBu_r", vmin=-reach, vmax=reach)
        error = np.linalg.norm(field - u) / np.linalg.norm(u)
        panels[1, column].set_title(f"error {error:.1%}", fontsize=10)
    for axes in panels.flat:
        axes.set_axis_off()
    if image is not None:
        figure.colorbar(image, ax=panels[1, :], shrink=0.9, label="error").outline.set_visible(False)
    figure.suptitle(title.replace("_", " "), fontsize=12, x=0.01, ha="left")
    return figure
