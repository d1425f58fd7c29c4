"""Fine-tuning a sentence encoder through the trainer of sentence-transformers."""

import tempfile
from collections.abc import Sequence
from typing import Any

from octavo.errors import Missing


def fine_tune(
    model: Any,
    loss: Any,
    pairs: Sequence[tuple[str, str]],
    *,
    epochs: float,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train a `SentenceTransformer` in place on pairs of texts.

    Args:
        model: the `SentenceTransformer`.
        loss: a loss of sentence-transformers, made with this model.
        pairs: texts that should lie near each other.
        epochs: passes over the pairs.
        batch_size: pairs a step; the last incomplete batch is left out.
        learning_rate: of AdamW, warmed up over a tenth of the steps, then falling to zero.
        seed: of the order and of dropout.

    Raises:
        Missing: the trainer's packages are not installed.
    """
    try:
        from datasets import Dataset, disable_progress_bars
        from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
        from transformers import PrinterCallback
    except ImportError as error:
        raise Missing("datasets", "The trainer needs it: `pip install 'octavo[embedding]'`.") from error
    disable_progress_bars()
    model.model_card_data.generate_widget_examples = False
    columns = {
        "anchor": [anchor for anchor, _ in pairs],
        "positive": [positive for _, positive in pairs],
    }
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=batch_size,
            learning_rate=learning_rate,
            warmup_steps=0.1,
            seed=seed % 2**31,
            dataloader_drop_last=True,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=str(model.device) == "cpu",
        )
        trainer = SentenceTransformerTrainer(
            model=model, args=arguments, train_dataset=Dataset.from_dict(columns), loss=loss
        )
        # A library prints nothing.
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.eval()
