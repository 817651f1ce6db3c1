# figures: of the experiments, and pictures of one dataset

from lanzdml.experiments import EXPERIMENTS

for name, experiment in PLAN.drawn.items():

    rule:
        name:
            f"plot_{name}"
        input:
            PLAN.drawn_of(name),
        output:
            *figure_files(name),
        log:
            PATHS.at(f"logs/figures/{name}.log"),
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=more_each_time(1000),
            runtime=more_each_time(10),
        params:
            version=version_told("plot_experiment", EXPERIMENTS.module(name)),
            experiment=name,
            seeds=PLAN.seeds_shown(name),
            caption=experiment.words.caption,
        message:
            f"Drawing the figure {name}"
        script:
            "../workflow_scripts/plot_experiment.py"


if "trimap" in PLAN.pictures:
    TRIMAP = PLAN.pictures["trimap"]
    POINTS = PATHS.trimap(TRIMAP.dataset, TRIMAP.model)

    rule compute_trimap:
        input:
            images=PATHS.images(TRIMAP.dataset, TRIMAP.model),
            manifest=PATHS.manifest(TRIMAP.dataset),
            transforms=PLAN.transforms_of("trimap"),
        output:
            POINTS,
        log:
            log_of(POINTS),
        benchmark:
            benchmark_of(POINTS)
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        # One thread, as with the fits.
        threads: 1
        resources:
            mem_mb=more_each_time(4000),
            runtime=more_each_time(60),
        params:
            version=version_with("compute_trimap", "indirect"),
            notions=TRIMAP.notions,
            seed=CONFIG.seeds[0],
        message:
            "Computing the TriMap of the embeddings"
        script:
            "../workflow_scripts/compute_trimap.py"

    rule plot_trimap:
        input:
            points=POINTS,
            manifest=PATHS.manifest(TRIMAP.dataset),
        output:
            *figure_files("trimap"),
        log:
            PATHS.at("logs/figures/trimap.log"),
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=more_each_time(1000),
            runtime=more_each_time(10),
        params:
            version=version_of("plot_trimap"),
            caption=TRIMAP.words.caption,
            dataset=TRIMAP.dataset,
            model=TRIMAP.model,
            dim=CONFIG.dims[0],
            notions=TRIMAP.notions,
            labels=PLAN.columns_of("trimap", TRIMAP.dataset),
        message:
            "Drawing the embeddings in two dimensions"
        script:
            "../workflow_scripts/plot_trimap.py"


if "saliency" in PLAN.pictures:
    SALIENCY = PLAN.pictures["saliency"]
    MAPS = PATHS.saliency_maps(SALIENCY.dataset, SALIENCY.model)
    SHARES = PATHS.saliency_shares(SALIENCY.dataset, SALIENCY.model)

    rule compute_saliency:
        input:
            manifest=PATHS.manifest(SALIENCY.dataset),
            weights=GIVEN.model_files(SALIENCY.model),
            transforms=PLAN.transforms_of("saliency"),
        output:
            maps=MAPS,
            shares=SHARES,
        log:
            log_of(MAPS),
        benchmark:
            benchmark_of(MAPS)
        priority: PICTURES
        conda:
            "../envs/embeddings.yaml"
        threads: 1
        resources:
            mem_mb=more_each_time(8000),
            runtime=more_each_time(240),
            gpu=0 if CONFIG.embeddings.device == "cpu" else 1,
            device=CONFIG.embeddings.device,
        params:
            version=version_with("compute_saliency", "indirect"),
            model=GIVEN.model(SALIENCY.model),
            weights=GIVEN.model_contents(SALIENCY.model),
            root=GIVEN.root(SALIENCY.dataset),
            linked=unrecorded(GIVEN.linked(SALIENCY.dataset)),
            notions=SALIENCY.notions,
            # As one: values are compared without their names, so that two that swap are not seen.
            drawn={
                "images": SALIENCY.images,
                "measured": SALIENCY.measured,
                "seed": CONFIG.seeds[0],
            },
        message:
            "Computing saliency maps"
        script:
            "../workflow_scripts/compute_saliency.py"

    rule plot_saliency:
        input:
            maps=MAPS,
            shares=SHARES,
        output:
            figure=figure_files("saliency"),
            table=SALIENCY_FILES,
        log:
            PATHS.at("logs/figures/saliency.log"),
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=more_each_time(1000),
            runtime=more_each_time(10),
        params:
            version=version_of("plot_saliency"),
            caption=SALIENCY.words.caption,
            dataset=SALIENCY.dataset,
            model=SALIENCY.model,
        message:
            "Drawing what InDiReCT looks at"
        script:
            "../workflow_scripts/plot_saliency.py"


if "gallery" in PLAN.pictures:
    GALLERY, RETRIEVED_FROM = PLAN.pictures["gallery"], PLAN.datasets_of("gallery")
    SPLIT = PLAN.queries_shown("gallery")

    rule plot_gallery:
        input:
            images=[PATHS.images(dataset, GALLERY.model) for dataset in RETRIEVED_FROM],
            manifests=[PATHS.manifest(dataset) for dataset in RETRIEVED_FROM],
            transforms=PLAN.transforms_of("gallery"),
        output:
            *figure_files("gallery"),
        log:
            PATHS.at("logs/figures/gallery.log"),
        priority: PICTURES
        conda:
            "../envs/figures.yaml"
        resources:
            mem_mb=more_each_time(2000),
            runtime=more_each_time(10),
        params:
            version=version_with("plot_gallery", "indirect"),
            caption=WORDS["gallery"].caption,
            datasets=RETRIEVED_FROM,
            model=GALLERY.model,
            dim=CONFIG.dims[0],
            notions=GALLERY.notions,
            labels=[PLAN.columns_of("gallery", dataset) for dataset in RETRIEVED_FROM],
            split=SPLIT and asdict(SPLIT),
            drawn={"queries": GALLERY.queries, "seed": CONFIG.seeds[0]},
            root=[GIVEN.root(dataset) for dataset in RETRIEVED_FROM],
            linked=unrecorded([GIVEN.linked(dataset) for dataset in RETRIEVED_FROM]),
        message:
            "Drawing the nearest images of some queries"
        script:
            "../workflow_scripts/plot_gallery.py"
