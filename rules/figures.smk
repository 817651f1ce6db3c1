# figures: of the experiments, and pictures of one dataset

from types import SimpleNamespace

from lanzdml.experiments import EXPERIMENTS


def of_picture(name, path_of):
    """The file of a picture's dataset and model."""
    return path_of(PLAN.pictures[name].dataset, PLAN.pictures[name].model)


def manifest_of(name):
    return PATHS.manifest(PLAN.pictures[name].dataset)


def drawn_of(name):
    """A picture's dataset and model, as wildcards are."""
    return SimpleNamespace(dataset=PLAN.pictures[name].dataset, model=PLAN.pictures[name].model)


def learned_for(name):
    """What InDiReCT learned for each notion of a picture."""
    return [PATHS.transform(fit) for fit in PLAN.shown_in(name).values()]


def columns_of(name):
    """Where the labels of each notion of a picture are."""
    picture = PLAN.pictures[name]
    return {notion: PLAN.label_columns(picture.dataset, notion) for notion in picture.notions}


for name, experiment in PLAN.drawn.items():

    rule:
        name:
            f"plot_{name}"
        input:
            [PATHS.metrics(run) for run in PLAN.experiments[name]],
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
            version=version_of("plot_experiment", EXPERIMENTS.module(name)),
            experiment=name,
            seeds=PLAN.seeds_shown(name),
            caption=experiment.words.caption,
        message:
            f"Drawing the figure {name}"
        script:
            "../workflow_scripts/plot_experiment.py"


if "trimap" in PLAN.pictures:
    TRIMAP = of_picture("trimap", PATHS.trimap)

    rule compute_trimap:
        input:
            images=of_picture("trimap", PATHS.images),
            manifest=manifest_of("trimap"),
            transforms=learned_for("trimap"),
        output:
            TRIMAP,
        log:
            log_of(TRIMAP),
        benchmark:
            benchmark_of(TRIMAP)
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
            notions=PLAN.pictures["trimap"].notions,
            seed=CONFIG.seeds[0],
        message:
            "Computing the TriMap of the embeddings"
        script:
            "../workflow_scripts/compute_trimap.py"

    rule plot_trimap:
        input:
            points=TRIMAP,
            manifest=manifest_of("trimap"),
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
            caption=PLAN.pictures["trimap"].words.caption,
            dataset=PLAN.pictures["trimap"].dataset,
            model=PLAN.pictures["trimap"].model,
            dim=CONFIG.dims[0],
            notions=PLAN.pictures["trimap"].notions,
            labels=columns_of("trimap"),
        message:
            "Drawing the embeddings in two dimensions"
        script:
            "../workflow_scripts/plot_trimap.py"


if "saliency" in PLAN.pictures:
    MAPS = of_picture("saliency", PATHS.saliency_maps)
    SHARES = of_picture("saliency", PATHS.saliency_shares)

    rule compute_saliency:
        input:
            manifest=manifest_of("saliency"),
            weights=model_files(drawn_of("saliency")),
            transforms=learned_for("saliency"),
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
            model=model_settings(drawn_of("saliency")),
            weights=model_contents(drawn_of("saliency")),
            root=dataset_root(drawn_of("saliency")),
            notions=PLAN.pictures["saliency"].notions,
            # As one: values are compared without their names, so that two that swap are not seen.
            drawn={
                "images": PLAN.pictures["saliency"].images,
                "measured": PLAN.pictures["saliency"].measured,
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
            caption=PLAN.pictures["saliency"].words.caption,
            dataset=PLAN.pictures["saliency"].dataset,
            model=PLAN.pictures["saliency"].model,
        message:
            "Drawing what InDiReCT looks at"
        script:
            "../workflow_scripts/plot_saliency.py"


if "gallery" in PLAN.pictures:

    rule plot_gallery:
        input:
            images=of_picture("gallery", PATHS.images),
            manifest=manifest_of("gallery"),
            transforms=learned_for("gallery"),
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
            caption=PLAN.pictures["gallery"].words.caption,
            dataset=PLAN.pictures["gallery"].dataset,
            model=PLAN.pictures["gallery"].model,
            dim=CONFIG.dims[0],
            notions=PLAN.pictures["gallery"].notions,
            labels=columns_of("gallery"),
            drawn={"queries": PLAN.pictures["gallery"].queries, "seed": CONFIG.seeds[0]},
            root=dataset_root(drawn_of("gallery")),
        message:
            "Drawing the nearest images of some queries"
        script:
            "../workflow_scripts/plot_gallery.py"
