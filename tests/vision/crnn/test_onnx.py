"""A reader as an ONNX file reads as it did, at any number of pictures of any width."""

from pathlib import Path

import pytest
import torch

from octavo.vision import CRNN


def test_the_file_reads_as_the_model_does(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="ONNX files are written with the extra onnx")
    runtime = pytest.importorskip("onnxruntime", reason="ONNX files are read with onnxruntime")
    torch.manual_seed(0)
    model = CRNN("0-9", width_mult=0.05).train()
    model.to_onnx(tmp_path / "reader.onnx")
    assert model.training
    session = runtime.InferenceSession(tmp_path / "reader.onnx", providers=["CPUExecutionProvider"])
    model.eval()
    for shape in ((1, 1, 32, 100), (3, 1, 32, 61)):
        images = torch.randn(shape)
        with torch.no_grad():
            expected = model(images).log_probs
        (found,) = session.run(None, {"images": images.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-5, rtol=1e-4)
