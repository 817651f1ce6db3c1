"""Methods, metrics and protocols in words and equations.

Texts are plain, with LaTeX between dollar signs; equations are LaTeX. Vectors are rows, as in the
paper, whose numbers its equations keep. What has no entry here is explained by its docstring.
"""

from inspect import cleandoc

from lanzdml.methods import METHODS
from lanzdml.metrics.recalls import RECALLS
from lanzdml.report.equations import Equation, Explanation
from lanzdml.report.explained_methods import METHOD_EXPLANATIONS

NOTATION = (
    "CLIP maps the $n$ prompts of a notion to vectors $t_i$ and the $m$ images to vectors $v_i$, "
    "all of them of $r$ components. A method learns from the prompts, unless the table says what "
    r"else, and maps every image to a vector $v_i'$ of $r'$ components, by which images are "
    r"compared. $\lVert x \rVert$ is the length of a vector, and vectors are rows."
)

QUERIES = (
    "Every image is once the query, and all others are its references, ranked by their "
    "similarity to it; by the protocol query and gallery, some images are queries, and the gallery "
    "alone is their references. For a query let $R$ be the number of references of its class, or "
    "that share a value with it where images have several, and "
    r"$r_1 < \dots < r_R$ their ranks, 1 being the nearest; $[\cdot]$ is 1 where the condition "
    "holds and 0 elsewhere. A metric of ranks is the mean over all queries with $R > 0$. "
    "Similarities are those of float64. Where references of another class are as "
    "similar as some of the query's class, a metric is its expectation over all orders of what "
    "ties."
)

METRIC_EXPLANATIONS = {
    "map_at_r": Explanation(
        "Mean average precision at R: how well the first $R$ places are filled with images of the "
        "query's class, and how early. The paper's main metric.",
        (Equation(r"\frac{1}{R} \sum_{j=1}^{R} [r_j \le R] \, \frac{j}{r_j}"),),
    ),
    "precision_at_1": Explanation(
        "Precision at 1: whether the nearest image is of the query's class.",
        (Equation(r"[r_1 = 1]"),),
    ),
    "r_precision": Explanation(
        "R-precision: the part of the first $R$ places that is of the query's class, in whatever "
        "order.",
        (Equation(r"\frac{1}{R} \sum_{j=1}^{R} [r_j \le R]"),),
    ),
    "ami": Explanation(
        "Adjusted mutual information of the classes $Y$ and the clusters $C$ that k-means finds, "
        r"as many as there are classes: 0 for random clusters. $I$ is the mutual information, "
        r"$\mathbb{E}[I]$ that of random clusters of the same sizes, and $H$ the entropy.",
        (
            Equation(
                r"\frac{I(Y, C) - \mathbb{E}[I]}"
                r"{\frac{1}{2} \left( H(Y) + H(C) \right) - \mathbb{E}[I]}"
            ),
        ),
    ),
    "nmi": Explanation(
        "Normalised mutual information of the same classes and clusters, without the correction "
        "for chance: it grows with the number of classes.",
        (Equation(r"\frac{I(Y, C)}{\frac{1}{2} \left( H(Y) + H(C) \right)}"),),
    ),
    "map": Explanation(
        "Mean average precision over the whole ranking.",
        (Equation(r"\frac{1}{R} \sum_{j=1}^{R} \frac{j}{r_j}"),),
    ),
    "mrr": Explanation(
        "Mean reciprocal rank of the nearest image of the query's class.",
        (Equation(r"\frac{1}{r_1}"),),
    ),
    **{
        name: Explanation(
            f"Recall at {k}: whether one of the {k} nearest images is of the query's class."
            if k > 1
            else "Recall at 1: whether the nearest image is of the query's class, as Prec@1.",
            (Equation(rf"[r_1 \le {k}]"),),
        )
        for name, k in RECALLS.items()
    },
    "clustering_accuracy": Explanation(
        "Clustering accuracy: the share of images whose cluster stands for their class. Each class "
        r"has one cluster $\pi(y)$ at most, and each cluster one class, so that the share is the "
        "highest. $n_{y, c}$ are the images of class $y$ in cluster $c$ of $n$ images.",
        (Equation(r"\frac{1}{n} \max_{\pi} \sum_{y} n_{y, \pi(y)}"),),
    ),
    "ari": Explanation(
        "Adjusted Rand index: how many of the pairs of images that are together in a class are "
        "together in a cluster, and the other way round, 0 for random clusters of the same sizes. "
        r"$S$ are the pairs that are together in both, $S_Y$ and $S_C$ those in one of them, and "
        r"$\mathbb{E}[S]$ is $S_Y S_C$ divided by the number of all pairs.",
        (
            Equation(
                r"\frac{S - \mathbb{E}[S]}"
                r"{\frac{1}{2} \left( S_Y + S_C \right) - \mathbb{E}[S]}"
            ),
        ),
    ),
    "homogeneity": Explanation(
        "Homogeneity: how far each cluster holds images of one class only.",
        (Equation(r"\frac{I(Y, C)}{H(Y)}"),),
    ),
    "silhouette": Explanation(
        "Silhouette of the classes, without clusters: how much nearer an image is to its own class "
        "than to the next one, from -1 to 1. $a$ is its mean distance to the other images of its "
        "class, $b$ the least mean distance to the images of another class, by the distance that "
        "neighbours are found by. It is 0 for an image that is alone in its class.",
        (Equation(r"\frac{b - a}{\max(a, b)}"),),
    ),
}

OF_A_GALLERY = (
    " By the protocol query_gallery some images are the queries, and only those of the gallery are "
    "their references."
)
PROTOCOL_EXPLANATIONS = {
    "paper": "As the paper's text says: images and prompts are scaled to unit length, neighbours "
    "are those by cosine, and every notion has its own prompts and labels.",
    "released": "As the authors' public code does: images are not scaled, neighbours are those by "
    "Euclidean distance, and some runs take another notion's prompts or labels. It shows which "
    "published numbers come of that.",
    "query_gallery": "Query and gallery: as the paper's text says, but some images are queries and "
    "the others their gallery. A query ranks the gallery only, and no other query; metrics of "
    "ranks are means over the queries that have an image of their class in the gallery. "
    "All images are transformed together, and clusters are of all. It answers another question "
    "than where every image is a query to all others, so its numbers do not compare with those.",
}


def explain_method(name: str, source: str | None = None) -> Explanation:
    """A method's explanation, or that of others' methods.

    Args:
        source: where one comes from that is not of this package.
    """
    if name in METHOD_EXPLANATIONS:
        return METHOD_EXPLANATIONS[name]
    guest = METHODS.guest(name)
    words = guest.explanation if guest else ""
    if METHODS.is_ours(name):  # an entry that is new
        words, *_ = cleandoc(METHODS[name].__doc__ or "").partition("\n")
    if source and guest is None:
        words = f"Vectors that were made elsewhere: {source}"
    return Explanation(words.replace("$", "") or "It has no explanation.")


def explain_metric(name: str) -> Explanation:
    """A metric's explanation."""
    return METRIC_EXPLANATIONS.get(
        name, Explanation("It is explained in lanzdml/metrics/scores.py.")
    )
