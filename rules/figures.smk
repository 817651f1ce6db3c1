# figures: the ablations, and pictures of one dataset

for figure in ABLATIONS:

    rule:
        name:
            f"plot_{figure}"
        input:
            ABLATIONS[figure],
        output:
            *figure_files(figure, "Ablations"),
        log:
            in_results(f"logs/figures/{figure}.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("plot_ablation", f"lanzdml.experiments.{figure}"),
            figure=figure,
            seeds=seeds_of(getattr(CONFIG.experiments, figure)),
        message:
            f"Drawing the ablation {figure}"
        script:
            "../workflow_scripts/plot_ablation.py"


if "trimap" in PICTURES:

    rule compute_trimap:
        input:
            images=of_picture("trimap", IMAGES),
            manifest=of_picture("trimap", MANIFEST),
            transforms=learned_for("trimap"),
        output:
            of_picture("trimap", TRIMAP),
        log:
            log_of(of_picture("trimap", TRIMAP)),
        benchmark:
            benchmark_of(of_picture("trimap", TRIMAP))
        conda:
            "../envs/figures.yaml"
        # One thread, as with the fits.
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            code=code_with("compute_trimap", "indirect"),
            notions=PICTURES["trimap"].notions,
            seed=CONFIG.seeds[0],
        message:
            "Computing the TriMap of the embeddings"
        script:
            "../workflow_scripts/compute_trimap.py"

    rule plot_trimap:
        input:
            points=of_picture("trimap", TRIMAP),
            manifest=of_picture("trimap", MANIFEST),
        output:
            *figure_files("trimap", "Pictures"),
        log:
            in_results("logs/figures/trimap.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("plot_trimap"),
            dataset=PICTURES["trimap"].dataset,
            model=PICTURES["trimap"].model,
            dim=CONFIG.dims[0],
            notions=PICTURES["trimap"].notions,
            labels=columns_of(PICTURES["trimap"]),
        message:
            "Drawing the embeddings in two dimensions"
        script:
            "../workflow_scripts/plot_trimap.py"


if "saliency" in PICTURES:

    rule compute_saliency:
        input:
            manifest=of_picture("saliency", MANIFEST),
            weights=model_files(PICTURES["saliency"]),
            transforms=learned_for("saliency", SALIENCY_DIM),
        output:
            maps=of_picture("saliency", SALIENCY_MAPS),
            shares=of_picture("saliency", SALIENCY_SHARES),
        log:
            log_of(of_picture("saliency", SALIENCY_MAPS)),
        benchmark:
            benchmark_of(of_picture("saliency", SALIENCY_MAPS))
        conda:
            "../envs/embeddings.yaml"
        threads: 1
        resources:
            mem_mb=growing(8000),
            runtime=growing(240),
            gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
            device=CONFIG.embeddings.device,
        params:
            code=code_with("compute_saliency", "indirect"),
            model=model_settings(PICTURES["saliency"]),
            weights=model_contents(PICTURES["saliency"]),
            root=dataset_root(PICTURES["saliency"]),
            notions=PICTURES["saliency"].notions,
            # As one: values are compared without their names, so that two that swap are not seen.
            drawn={
                "images": PICTURES["saliency"].images,
                "measured": PICTURES["saliency"].measured,
                "seed": CONFIG.seeds[0],
            },
        message:
            "Computing saliency maps"
        script:
            "../workflow_scripts/compute_saliency.py"

    rule plot_saliency:
        input:
            maps=of_picture("saliency", SALIENCY_MAPS),
            shares=of_picture("saliency", SALIENCY_SHARES),
        output:
            figure=figure_files("saliency", "Pictures"),
            table=SALIENCY_TABLE,
        log:
            in_results("logs/figures/saliency.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=growing(1000),
            runtime=growing(10),
        params:
            code=code("plot_saliency"),
            dataset=PICTURES["saliency"].dataset,
            model=PICTURES["saliency"].model,
        message:
            "Drawing what InDiReCT looks at"
        script:
            "../workflow_scripts/plot_saliency.py"


if "gallery" in PICTURES:

    rule plot_gallery:
        input:
            images=of_picture("gallery", IMAGES),
            manifest=of_picture("gallery", MANIFEST),
            transforms=learned_for("gallery"),
        output:
            *figure_files("gallery", "Pictures"),
        log:
            in_results("logs/figures/gallery.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code_with("plot_gallery", "indirect"),
            dataset=PICTURES["gallery"].dataset,
            model=PICTURES["gallery"].model,
            dim=CONFIG.dims[0],
            notions=PICTURES["gallery"].notions,
            labels=columns_of(PICTURES["gallery"]),
            drawn={"queries": PICTURES["gallery"].queries, "seed": CONFIG.seeds[0]},
            root=dataset_root(PICTURES["gallery"]),
        message:
            "Drawing the nearest images of some queries"
        script:
            "../workflow_scripts/plot_gallery.py"
