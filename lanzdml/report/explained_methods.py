"""Methods in words and equations: what :mod:`lanzdml.report.explained` says of them."""

from lanzdml.report.equations import Equation, Explanation

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
        "$U$ and the prototypes are trained together, like InDiReCT's $U$. Where an image has "
        "several values, which none has in the paper, the loss is the mean of theirs.",
        (
            Equation(
                r"L = -\frac{1}{m} \sum_{i=1}^{m} \log \frac{\exp(v_i' \, c_{y_i}^{\top})}"
                r"{\sum_{k} \exp(v_i' \, c_k^{\top})}"
            ),
            Equation(r"v_i' = \frac{v_i^{\text{norm}} U}{\lVert v_i^{\text{norm}} U \rVert}"),
        ),
    ),
    "text_subspace": Explanation(
        "Beyond the paper: InDiReCT's idea without training, and LAFT's \"guide\" (ICLR 2025, "
        "arXiv 2503.01184). The columns of $B$ are the directions "
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
    "soft_subspace": Explanation(
        "Beyond the paper: the text subspace with its axes weighted in place of cut off. $T_c$ are "
        "the centred prompts, and axes in which they vary little count little, so that $r'$ hardly "
        "matters. $g = 0$ is the text subspace, $g = 1$ coordinates on the centred prompts; here "
        r"$g = \frac{1}{2}$.",
        (
            Equation(r"T_c = A S B^{\top}"),
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} B S^g}{\lVert v_i^{\text{norm}} B S^g \rVert}"
            ),
        ),
    ),
    "contrast_subspace": Explanation(
        "Beyond the paper: what the notion's prompts vary in and those of what must not matter do "
        "not. $C$ and $D$ are the covariances of both, each about its own mean; the columns of $B$ "
        "are the eigenvectors with positive eigenvalues $L$, weighted as in the soft subspace; "
        r"here $w = \frac{1}{2}$ and $g = \frac{1}{8}$. One subspace against others is the idea of "
        "PoS subspaces (NeurIPS 2023, arXiv 2305.14053).",
        (
            Equation(r"(1 - w) C - w D = B L B^{\top} + \dots"),
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} B L^{g/2}}"
                r"{\lVert v_i^{\text{norm}} B L^{g/2} \rVert}"
            ),
        ),
    ),
    "null_space": Explanation(
        "Beyond the paper: the text subspace of what is left of the prompts when the directions "
        "$E$ that hold 99 % of the variance of the prompts of what must not matter are projected "
        "out of them (OD-CRL, arXiv 2602.05464, which cuts where the spectrum bends).",
        (
            Equation(r"T_c (\mathbf{1} - E E^{\top}) = A S B^{\top}"),
            Equation(r"v_i' = \frac{v_i^{\text{norm}} B}{\lVert v_i^{\text{norm}} B \rVert}"),
        ),
    ),
    "ignore": Explanation(
        "Beyond the paper: images without the directions $E$ that hold 99 % of the variance of the "
        'prompts of what must not matter; LAFT\'s "ignore" (ICLR 2025, arXiv 2503.01184). From the '
        "notion's own prompts nothing is learned.",
        (
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} (\mathbf{1} - E E^{\top})}"
                r"{\lVert v_i^{\text{norm}} (\mathbf{1} - E E^{\top}) \rVert}"
            ),
        ),
    ),
    "crl": Explanation(
        "Beyond the paper: an image's cosines with the prompts, as in Conditional Representation "
        "Learning (NeurIPS 2025, arXiv 2510.04564), whose words of a language model are the "
        "prompts here. The rows of $T$ are prompts of length one.",
        (
            Equation(
                r"v_i' = \frac{v_i^{\text{norm}} T^{\top}}"
                r"{\lVert v_i^{\text{norm}} T^{\top} \rVert}"
            ),
        ),
    ),
    "sqrt_posterior": Explanation(
        "Beyond the paper: the square roots $s$ of the prompt posterior's probabilities $p$. Their "
        "cosine is the Bhattacharyya coefficient, so that near is near by Hellinger's distance.",
        (Equation(r"v_{ij}' = \sqrt{p_{ij}}"),),
    ),
    "text_lda": Explanation(
        "Beyond the paper: Fisher's discriminant with prompts for classes and CLIP's guesses for "
        "labels. Each image of the dataset, without its label, goes to the nearest prompt, texts "
        r"and images each about their own mean, $\bar{t}$ and $\bar{v}$. What varies inside these "
        "groups, the covariance $W$, is what does not matter: shrunk towards the identity, with "
        r"$\gamma = 0.6$, it whitens images and prompts, and $B$ spans the whitened prompts. It "
        "believes the prompts: on images of classes that no prompt names it loses what CLIP has. "
        "It sees the collection when it is fitted; then each image is transformed alone.",
        (
            Equation(
                r"S = (1 - \gamma) W + \gamma \, \frac{\operatorname{tr} W}{r} \, \mathbf{1}, "
                r"\quad T_c S^{-1/2} = A \Sigma B^{\top}"
            ),
            Equation(
                r"v_i' = \frac{(v_i^{\text{norm}} - \bar{v}) S^{-1/2} B}"
                r"{\lVert (v_i^{\text{norm}} - \bar{v}) S^{-1/2} B \rVert}"
            ),
        ),
    ),
    "splice": Explanation(
        "Beyond the paper: SpLiCE (Bhalla et al., NeurIPS 2024, arXiv 2402.10376) with the prompts "
        "for its vocabulary. An image is made of few prompts, each with a weight that is not "
        r"negative; here $\lambda = 0.05$. $\tilde{v}_i$ are images about the mean of all of the "
        r"dataset's, which it sees without labels, and the rows of $\tilde{T}$ prompts about "
        "theirs, all scaled to length one. An image in which no prompt is found has zeros.",
        (
            Equation(
                r"w_i = \operatorname{argmin}_{w \ge 0} \frac{1}{2} "
                r"\lVert \tilde{v}_i - w \tilde{T} \rVert^2 + \lambda \sum_{j=1}^{n} w_j"
            ),
            Equation(r"v_i' = \frac{w_i}{\lVert w_i \rVert}"),
        ),
    ),
    "lda": Explanation(
        "Beyond the paper, and like Oracle a ceiling where it saw the labels of what is scored: "
        "Fisher's linear discriminants of labelled classes. $W$ is the covariance inside "
        r"the classes, shrunk towards the identity, with $\gamma = \frac{1}{2}$; $B$ spans the "
        r"whitened class means, the rows of $M_c$, about their mean $\bar{v}$.",
        (
            Equation(
                r"S = (1 - \gamma) W + \gamma \, \frac{\operatorname{tr} W}{r} \, \mathbf{1}, "
                r"\quad M_c S^{-1/2} = A \Sigma B^{\top}"
            ),
            Equation(
                r"v_i' = \frac{(v_i^{\text{norm}} - \bar{v}) S^{-1/2} B}"
                r"{\lVert (v_i^{\text{norm}} - \bar{v}) S^{-1/2} B \rVert}"
            ),
        ),
    ),
    "class_means": Explanation(
        "Beyond the paper, a ceiling as LDA is: what the text subspace is to prompts. $B$ spans "
        r"the means of labelled classes, the rows of $M_c$, about their mean $\bar{v}$. An image "
        "that has several values is in the mean of each.",
        (
            Equation(r"M_c = A \Sigma B^{\top}"),
            Equation(
                r"v_i' = \frac{(v_i^{\text{norm}} - \bar{v}) B}"
                r"{\lVert (v_i^{\text{norm}} - \bar{v}) B \rVert}"
            ),
        ),
    ),
    "few_shot_posterior": Explanation(
        "Beyond the paper: words and labels together. $s_i$ are the square roots of the prompt "
        "posterior, and $q_i$ the probabilities of the labelled classes: a softmax of two cosines "
        "with each class mean, one of $s_i$, so that prompts need not name classes, and one of "
        "$l_i$, the image in LDA's space. The weights $w$ of the cosines, and the share $b$ of the "
        "labels, are chosen on labelled images that the class means are not made of: halves, three "
        "times. $b$ is 0 unless that is surely better than words alone, and so wherever no class "
        "has four labelled images.",
        (
            Equation(r"q_{ik} \propto \exp( w_1 \cos(s_i, \bar{s}_k) + w_2 \cos(l_i, \bar{l}_k) )"),
            Equation(r"v_i' = ( \sqrt{1 - b} \; s_i, \; \sqrt{b} \; \sqrt{q_i} )"),
        ),
    ),
}
