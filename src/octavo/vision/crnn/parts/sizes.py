"""How large the readers are, and how many frames a picture has."""

import torch

from octavo import data
from octavo.lab import Lab, part
from octavo.vision.crnn import peers
from octavo.vision.crnn.checkpoints import crnn_pretrained
from octavo.vision.crnn.folding import parameters_of
from octavo.vision.crnn.network import CRNN
from octavo.vision.crnn.scales import Config


@part(seeds=1)
def sizes(config: Config, lab: Lab) -> None:
    """Parameters of the paper's network, and frames of pictures of any width."""
    model = CRNN().eval()
    for system, number in (
        ("crnn", parameters_of(model)),
        ("paper_table_1", parameters_of(CRNN(variant="paper"))),
    ):
        lab.record(system=system, dataset="model", metric="parameters", value=number)
    lab.record(system="crnn", dataset="model", metric="bytes", value=4 * parameters_of(model), unit="bytes")
    small = CRNN(width_mult=0.05).eval()
    surplus = 0
    for width in (32, 33, 50, 99, 100, 101, 640, 1600):
        with torch.no_grad():
            frames = small(torch.zeros(1, 1, 32, width)).log_probs.shape[1]
        surplus = max(surplus, abs(frames - (width // 4 + 1)))
    lab.record(system="crnn", dataset="widths", metric="surplus_frames", value=surplus)
    shipped = crnn_pretrained("rendered")
    number = parameters_of(shipped)
    lab.record(system="rendered", dataset="model", metric="parameters", value=number)
    # Two bytes a number, as it comes with octavo.
    lab.record(system="rendered", dataset="model", metric="bytes", value=2 * number, unit="bytes")


@part(seeds=1, data=("easyocr_english",))
def sizes_of_others(config: Config, lab: Lab) -> None:
    """Parameters and bytes of readers that others made."""
    state = data.load("easyocr_english")
    learned = [
        tensor for name, tensor in state.items() if tensor.is_floating_point() and "running" not in name
    ]
    total = sum(tensor.numel() for tensor in learned)
    lab.record(system="easyocr", dataset="model", metric="parameters", value=total)
    lab.record(system="easyocr", dataset="model", metric="bytes", value=4 * total, unit="bytes")
    for system, size in (("tesseract", peers.tesseract_bytes), ("rapidocr", peers.rapidocr_bytes)):
        lab.record(system=system, dataset="model", metric="bytes", value=size(), unit="bytes")
