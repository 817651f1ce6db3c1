"""Methods, metrics and protocols in words and equations.

Texts are plain, with LaTeX between dollar signs; equations are LaTeX. Vectors are rows, as in the
paper, whose numbers its equations keep. What has no entry here is explained by its docstring.
"""

import re
from dataclasses import dataclass
from functools import cache
from inspect import cleandoc

from latex2mathml.converter import convert
from markupsafe import Markup, escape

from lanzdml.methods import METHODS


@dataclass(frozen=True)
class Equation:
    """An equation; ``number`` is that of the paper."""

    latex: str
    number: int | None = None

    @property
    def mathml(self) -> Markup:
        return mathml(self.latex, display="block")


@dataclass(frozen=True)
class Explanation:
    """What something is, and its equations."""

    text: str
    equations: tuple[Equation, ...] = ()


@cache
def mathml(latex: str, display: str = "inline") -> Markup:
    """LaTeX as MathML."""
    return Markup(convert(latex, display=display))  # our own LaTeX only


def prose(text: str) -> Markup:
    """Plain text with LaTeX between dollar signs as HTML."""
    parts = re.split(r"\$([^$]+)\$", text)
    return Markup("").join(mathml(part) if i % 2 else escape(part) for i, part in enumerate(parts))


NOTATION = (
    "CLIP maps the $n$ prompts of a notion to vectors $t_i$ and the $m$ images to vectors $v_i$, "
    "all of them of $r$ components. A method learns from the prompts alone and maps every image to "
    r"a vector $v_i'$ of $r'$ components, by which images are compared. $\lVert x \rVert$ is the "
    "length of a vector, and vectors are rows."
)

METHOD_EXPLANATIONS = {
    "random": Explanation(
        "The floor: every image gets a random direction, whatever it shows.",
        (
            Equation(
                r"v_i' = \frac{g_i}{\lVert g_i \rVert}, \quad "
                r"g_i \sim \mathcal{N}(0, \mathbf{1}_{r'})"
            ),
        ),
    ),
    "clip": Explanation(
        "The images as CLIP embeds them, at their own size. The prompts play no part, so the "
        "vectors are the same for every notion.",
        (Equation(r"v_i' = \frac{v_i}{\lVert v_i \rVert}"),),
    ),
    "indirect": Explanation(
        "Prompts of one notion differ in nothing but its aspects, so the directions in which their "
        r"embeddings vary are those of the notion. A matrix $U$ of $r \times r'$ numbers has to "
        "squeeze the prompts through few dimensions and carry them back with its transpose; what "
        "it keeps are those directions. The loss is the mean angle between a prompt and what "
        "comes back. Images pass through the same matrix. $U$ starts from normal values with "
        "standard deviation 0.1; Adam with learning rate 0.01 trains it until the loss has not "
        "improved for 100 iterations.",
        (
            Equation(r"t_i^{\text{norm}} = \frac{t_i}{\lVert t_i \rVert}", 1),
            Equation(
                r"t_i' = \frac{t_i^{\text{norm}} U}{\lVert t_i^{\text{norm}} U \rVert}",
                2,
            ),
            Equation(
                r"t_i^{\text{recon}} = \frac{t_i' U^{\top}}{\lVert t_i' U^{\top} \rVert}",
                3,
            ),
            Equation(
                r"L = \frac{1}{n} \sum_{i=1}^{n} \arccos ( t_i^{\text{norm}} \, "
                r"{t_i^{\text{recon}}}^{\top} )",
                4,
            ),
            Equation(r"v_i^{\text{norm}} = \frac{v_i}{\lVert v_i \rVert}", 5),
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} U}{\lVert v_i^{\text{norm}} U \rVert}",
                6,
            ),
        ),
    ),
    "random_transform": Explanation(
        "InDiReCT without its training: images pass through the matrix that it starts from. The "
        "difference to InDiReCT is what learning from the prompts is worth.",
        (
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} U}{\lVert v_i^{\text{norm}} U \rVert}, \quad "
                r"U_{jk} \sim \mathcal{N}(0, 0.1^2)"
            ),
        ),
    ),
    "pca": Explanation(
        "The principal components of the prompts: the columns of $P$ are the $r'$ directions of "
        r"their largest variance, the first eigenvectors of the covariance $C$, and $\bar{t}$ is "
        "their mean. It needs more distinct prompts than dimensions and cannot be made otherwise.",
        (
            Equation(
                r"C = \frac{1}{n-1} \sum_{i=1}^{n} {(t_i^{\text{norm}} - \bar{t})}^{\top} "
                r"(t_i^{\text{norm}} - \bar{t})"
            ),
            Equation(r"v_i' = (v_i^{\text{norm}} - \bar{t}) P"),
        ),
    ),
    "lae": Explanation(
        "The linear autoencoder: one linear layer to $r'$ components and one back, trained like "
        "InDiReCT but for its loss, the squared error of the prompts. Images pass through the "
        "first layer.",
        (
            Equation(
                r"L = \sum_{i=1}^{n} \left\lVert t_i^{\text{norm}} - "
                r"\left( (t_i^{\text{norm}} W_1 + b_1) W_2 + b_2 \right) \right\rVert^2"
            ),
            Equation(r"v_i' = v_i^{\text{norm}} W_1 + b_1"),
        ),
    ),
    "ae": Explanation(
        "The autoencoder: encoder $f$ and decoder $g$ of two layers each, with 512 hidden units "
        r"and a leaky ReLU $\varphi$. Loss and training are those of the linear one, with a weight "
        "decay of 0.01 against overfitting. Images pass through the encoder. Now and then a fit "
        "ends at many times the loss of the other seeds, in the authors' code, too: it counts as "
        "any other, and is named below the tables.",
        (
            Equation(r"f(x) = \varphi(x W_1 + b_1) W_2 + b_2"),
            Equation(r"\varphi(x) = \max(x, 0) + 0.01 \, \min(x, 0)"),
            Equation(
                r"L = \sum_{i=1}^{n} \left\lVert t_i^{\text{norm}} - "
                r"g(f(t_i^{\text{norm}})) \right\rVert^2"
            ),
            Equation(r"v_i' = f(v_i^{\text{norm}})"),
        ),
    ),
    "oracle": Explanation(
        "The ceiling, and no fair competitor: InDiReCT's transform, trained on the test images "
        "with their labels instead of on prompts. Each class $k$ has a prototype $c_k$ of unit "
        "length, and each image is to be nearest to that of its own class $y_i$. "
        "$U$ and the prototypes are trained together, like InDiReCT's $U$.",
        (
            Equation(
                r"L = -\frac{1}{m} \sum_{i=1}^{m} \log \frac{\exp(v_i' \, c_{y_i}^{\top})}"
                r"{\sum_{k} \exp(v_i' \, c_k^{\top})}"
            ),
            Equation(r"v_i' = \frac{v_i^{\text{norm}} U}{\lVert v_i^{\text{norm}} U \rVert}"),
        ),
    ),
    "text_subspace": Explanation(
        "Beyond the paper: InDiReCT's idea without training. The columns of $B$ are the directions "
        "in which the prompts vary most, the first right singular vectors of the centred prompts; "
        r"there are $r'$ of them, or as many as there are. $\bar{t}$ is the prompts' mean.",
        (
            Equation(
                r"\sum_{i=1}^{n} {(t_i^{\text{norm}} - \bar{t})}^{\top} "
                r"(t_i^{\text{norm}} - \bar{t}) = B \Sigma^2 B^{\top} + \dots"
            ),
            Equation(r"v_i' = \frac{v_i^{\text{norm}} B}{\lVert v_i^{\text{norm}} B \rVert}"),
        ),
    ),
    "pca_rank": Explanation(
        "Beyond the paper: PCA with as many components as the prompts have, at most $r'$, so that "
        "two prompts are enough. $B$ is that of the text subspace; what differs is that images are "
        "centred by the prompts' mean, and not scaled to unit length at the end.",
        (Equation(r"v_i' = (v_i^{\text{norm}} - \bar{t}) B"),),
    ),
    "indirect_svd": Explanation(
        "Beyond the paper: InDiReCT, with the loss and the training of its own, started from the "
        "text subspace $B$ in place of noise. Where the start carries every prompt back as it was, "
        "there is nothing left to learn. Otherwise it can end elsewhere than from noise, at a "
        "lower loss or at one that is several times higher.",
        (Equation(r"U_{\text{start}} = B"),),
    ),
    "prompt_posterior": Explanation(
        "Beyond the paper: how probable CLIP finds each of the prompts for an image, its zero-shot "
        r"classifier's output. $\tau$ is the model's own temperature. Where the prompts are the "
        "classes that are to be told apart, it knows them, and is strong for that reason.",
        (
            Equation(
                r"v_{ij}' = \frac{\exp( v_i^{\text{norm}} \, {t_j^{\text{norm}}}^{\top} / \tau )}"
                r"{\sum_{k=1}^{n} \exp( v_i^{\text{norm}} \, {t_k^{\text{norm}}}^{\top} / \tau )}"
            ),
        ),
    ),
    "clay": Explanation(
        "Beyond the paper: CLAY (Lim et al., CVPR 2026, arXiv 2604.11539), which has no public "
        "code: this one is written from descriptions of it. "
        r"Prompts are taken to the tangent space of the unit sphere at their mean direction $\mu$ "
        "by the logarithmic map; the first right singular vectors $B$ of what they are there span "
        r"the notion's subspace. Images are taken to the tangent space at their own mean $\nu$, "
        "and the reflection $H$ carries that to the prompts' mean. It is transductive: the mean is "
        "that of the images that are scored, without their labels.",
        (
            Equation(
                r"\log_{\mu}(x) = \frac{\theta}{\sin \theta} ( x - \cos \theta \, \mu ), "
                r"\quad \cos \theta = x \mu^{\top}"
            ),
            Equation(
                r"H = \mathbf{1} - 2 \, h^{\top} h, \quad "
                r"h = \frac{\nu - \mu}{\lVert \nu - \mu \rVert}"
            ),
            Equation(
                r"v_i' = \frac{\log_{\nu}(v_i^{\text{norm}}) H B}"
                r"{\lVert \log_{\nu}(v_i^{\text{norm}}) H B \rVert}"
            ),
        ),
    ),
}

QUERIES = (
    "Every image is once the query, and all others are its references, ranked by their "
    "similarity to it. For a query let $R$ be the number of other images of its class and "
    r"$r_1 < \dots < r_R$ their ranks, 1 being the nearest; $[\cdot]$ is 1 where the condition "
    "holds and 0 elsewhere. A metric of ranks is the mean over all queries whose class has "
    "another image. Similarities are those of float64. Where references of another class are as "
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
}

PROTOCOL_EXPLANATIONS = {
    "paper": "As the paper's text says: images and prompts are scaled to unit length, neighbours "
    "are those by cosine, and every notion has its own prompts and labels.",
    "released": "As the authors' public code does: images are not scaled, neighbours are those by "
    "Euclidean distance, and some runs take another notion's prompts or labels. It shows which "
    "published numbers come of that.",
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
