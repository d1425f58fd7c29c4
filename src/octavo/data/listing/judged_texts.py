"""Collections to search in, and papers to train searching with."""

from octavo.data.registry import Entry

_BY_HAND = (
    "take {files} from github.com/{origin} and put them, plain or compressed with gzip, into the folder "
    "ir_classic/{folder} of OCTAVO_DATA (the repository states no licence, so they are not fetched)"
)


def _classic(
    name: str, folder: str, files: tuple[str, ...], origin: str, title: str, licence: str = "none is stated"
) -> Entry:
    """One of the classic collections that the University of Glasgow and the SMART project put out."""
    return Entry(
        name=name,
        kind="data",
        title=title,
        licence=f"{licence}; put out for research use by the University of Glasgow and the SMART project",
        origin=f"github.com/{origin}, verbatim",
        homepage="https://ir.dcs.gla.ac.uk/resources/test_collections/",
        loader=f"octavo.data.judged_texts:load_{folder}",
        size=1_020_000,
        folder=f"ir_classic/{folder}",
        layouts=(files,),
        by_hand=_BY_HAND.format(files=", ".join(files), origin=origin, folder=folder),
    )


JUDGED_TEXTS: tuple[Entry, ...] = (
    _classic(
        "Cranfield",
        "cranfield",
        ("cran.all.1400", "cran.qry", "cranqrel"),
        "olivernn/cranfield",
        "retrieval: 1,400 abstracts of aerodynamics, 225 queries, graded judgements",
    ),
    _classic(
        "CISI",
        "cisi",
        ("CISI.ALL", "CISI.QRY", "CISI.REL"),
        "PsychoProg/tf-idf",
        "retrieval: 1,460 abstracts of library science, 76 judged queries",
    ),
    _classic(
        "CACM",
        "cacm",
        ("cacm.all", "query.text", "qrels.text"),
        "sansha94/Okapi-on-CACM",
        "retrieval: 3,204 titles and abstracts of computer science, 52 judged queries",
    ),
    _classic(
        "NPL",
        "npl",
        ("doc-text", "query-text", "rlv-ass"),
        "stefreschke/Information-Retrieval",
        "retrieval: 11,429 short abstracts of electronics, 93 queries",
    ),
    Entry(
        name="Docstrings",
        kind="data",
        title="retrieval: docstrings of numpy, scipy and torch, asked by their first sentence",
        licence="of the packages (BSD)",
        origin="read from the installed packages",
        homepage="",
        loader="octavo.data.docstrings:load_docstrings",
        generated=True,
    ),
    Entry(
        name="arxiv_abstracts",
        kind="data",
        title="papers: 25,000 titles and abstracts of cs.CL, cs.IR and cs.NE up to 2019",
        licence="CC0, as arXiv states for its metadata",
        origin="arXiv's metadata, as github.com/staeiou/arxiv_archive keeps it",
        homepage="https://github.com/staeiou/arxiv_archive",
        loader="octavo.data.abstracts:load_abstracts",
        size=7_506_561,
        folder="arxiv_abstracts",
        layouts=(("cs.CL_2019.tsv.xz", "cs.IR_2020.tsv.xz", "cs.NE_2020.tsv.xz"),),
        by_hand="take cs.IR.tsv.xz and cs.NE.tsv.xz of processed_data/20200101/per_category and cs.CL.tsv.xz "
        "of processed_data/20190101/per_category from github.com/staeiou/arxiv_archive and put them, as "
        "cs.IR_2020.tsv.xz, cs.NE_2020.tsv.xz and cs.CL_2019.tsv.xz, into the folder arxiv_abstracts of "
        "OCTAVO_DATA",
    ),
)
"""All of them."""
