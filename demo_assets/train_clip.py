"""Train one demo CLIP on the generator's (image, caption) pairs::

    python -m demo_assets.train_clip resources/demo_clip/demo-M.json build/demo_layers.npz

writes ``demo-M.safetensors`` (fp16, see :func:`lanzdml.embeddings.checkpoints.expand_token_table`),
``demo-M.csv`` (the loss while training) and ``demo-M.training.json`` (settings, versions, time)
beside the config. The model is open_clip's own class, with open_clip's tokenizer and normalisation.
"""

import argparse
import csv
import json
import math
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
import webcolors
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

from demo_assets.captions import CaptionWriter, ColorWords, vocabulary
from demo_assets.scenes import color_table, nearest_color
from demo_assets.training_data import recolored_batches
from lanzdml.embeddings.checkpoints import TOKEN_ROWS, TOKEN_TABLE

LOG_EVERY = 50


@dataclass(frozen=True)
class Settings:
    """What the training depends on; kept beside the checkpoint."""

    steps: int = 3000
    batch_size: int = 256
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_steps: int = 200
    weight_decay: float = 0.05
    seed: int = 0


class CaptionTokenizer:
    """open_clip's tokenizer with each word's tokens remembered: captions use few words."""

    def __init__(self, context_length: int) -> None:
        self._tokenizer = SimpleTokenizer(context_length=context_length)
        self._context_length = context_length
        self._words: dict[str, list[int]] = {}

    def _word(self, word: str) -> list[int]:
        if word not in self._words:
            self._words[word] = self._tokenizer.encode(word)
        return self._words[word]

    def __call__(self, captions: list[str]) -> torch.Tensor:
        tokens = torch.zeros(len(captions), self._context_length, dtype=torch.long)
        for row, caption in enumerate(captions):
            words = [token for word in caption.split() for token in self._word(word)]
            ids = [self._tokenizer.sot_token_id, *words][: self._context_length - 1]
            ids.append(self._tokenizer.eot_token_id)
            tokens[row, : len(ids)] = torch.tensor(ids)
        return tokens

    def ids_of(self, words: set[str]) -> list[int]:
        """Sorted token ids that these words, padding, start and end use."""
        ids = {0, self._tokenizer.sot_token_id, self._tokenizer.eot_token_id}
        return sorted(ids.union(*(self._word(word) for word in words)))


def use_compact_token_table(model: torch.nn.Module, rows: list[int]) -> torch.Tensor:
    """Cut the token table to ``rows``; returns the map from token id to row."""
    full = model.token_embedding
    compact = torch.nn.Embedding(len(rows), full.embedding_dim)
    compact.weight.data = full.weight.data[rows].clone()
    model.token_embedding = compact
    row_of = torch.zeros(full.num_embeddings, dtype=torch.long)
    row_of[torch.tensor(rows)] = torch.arange(len(rows))
    return row_of


def color_words(rgb: np.ndarray) -> list[ColorWords]:
    """What captions call (n, 3) colours."""
    names = nearest_color(rgb, webcolors.CSS21), nearest_color(rgb, webcolors.CSS3)
    return [ColorWords(str(css21), str(css3)) for css21, css3 in zip(*names, strict=True)]


def learning_rate(settings: Settings, step: int) -> float:
    """Linear warm-up, then half a cosine down to the final rate."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / (settings.steps - settings.warmup_steps)
    span = settings.learning_rate - settings.final_learning_rate
    return settings.final_learning_rate + span * (1 + math.cos(math.pi * progress)) / 2


def contrastive_loss(images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor):
    """CLIP's symmetric cross-entropy of matching (n, r) unit vectors."""
    logits = scale * images @ texts.T
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict]:
    """Matrices decay, biases and gains do not."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def train(config: dict, layers_file: Path, settings: Settings, device: str, log) -> tuple:
    """Returns the trained model, its token rows and the seconds that it took."""
    with np.load(layers_file) as data:
        layers, car_models = data["layers"], data["car_models"]
    batches = recolored_batches(layers, car_models, settings.batch_size, seed=settings.seed)
    writer = CaptionWriter(settings.seed)
    tokenize = CaptionTokenizer(config["text_cfg"]["context_length"])

    torch.manual_seed(settings.seed)
    model = open_clip.CLIP(**config)
    rows = tokenize.ids_of(vocabulary(list(color_table(webcolors.CSS3))))
    row_of = use_compact_token_table(model, rows)
    model.to(device).train()
    model.visual.to(memory_format=torch.channels_last)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    groups = parameter_groups(model, settings.weight_decay)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)

    started = time.perf_counter()
    recent = []
    for step in range(settings.steps):
        images, names, paint, background = next(batches)
        paints, backgrounds = color_words(paint), color_words(background)
        captions = [
            writer.write(*car, full=full)
            for full in (False, True)
            for car in zip(names, paints, backgrounds, strict=True)
        ]
        pixels = ((torch.from_numpy(images) - mean) / std).to(device)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        tokens = row_of[tokenize(captions)].to(device)

        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, step)
        # On CPU the plain attention kernel is the fastest for these short sequences.
        kernel = SDPBackend.MATH if device == "cpu" else SDPBackend.EFFICIENT_ATTENTION
        with torch.autocast(device, dtype=torch.bfloat16), sdpa_kernel([kernel, SDPBackend.MATH]):
            image_vectors = model.encode_image(pixels)
            text_vectors = model.encode_text(tokens)
        image_vectors = F.normalize(image_vectors.float(), dim=-1)
        partial, full = F.normalize(text_vectors.float(), dim=-1).chunk(2)
        scale = model.logit_scale.exp()
        losses = [contrastive_loss(image_vectors, texts, scale) for texts in (partial, full)]
        optimizer.zero_grad(set_to_none=True)
        sum(losses).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))

        recent.append([loss.item() for loss in losses])
        if (step + 1) % LOG_EVERY == 0:
            means = np.mean(recent, axis=0)
            seconds = time.perf_counter() - started
            log([step + 1, f"{seconds:.1f}", *(f"{m:.4f}" for m in means), f"{scale.item():.2f}"])
            recent = []
    return model, rows, time.perf_counter() - started


def save_checkpoint(path: Path, model: torch.nn.Module, rows: list[int]) -> None:
    """fp16 weights; of the token table only the rows that were trained, and their ids."""
    state = {
        name: tensor.detach().half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in model.cpu().state_dict().items()
    }
    state[TOKEN_TABLE] = model.token_embedding.weight.detach().half()
    state[TOKEN_ROWS] = torch.tensor(rows, dtype=torch.int32)
    save_file(state, path)


def main() -> None:
    defaults = Settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="open_clip model config")
    parser.add_argument("layers", type=Path, help="npz of demo_assets.training_data")
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = Settings(steps=arguments.steps, seed=arguments.seed)
    config = json.loads(arguments.config.read_text())

    with open(arguments.config.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["step", "seconds", "loss_partial", "loss_full", "logit_scale"])

        def log(row: list) -> None:
            writer.writerow(row)
            file.flush()
            print(arguments.config.stem, *row, flush=True)

        model, rows, seconds = train(config, arguments.layers, settings, arguments.device, log)

    save_checkpoint(arguments.config.with_suffix(".safetensors"), model, rows)
    with np.load(arguments.layers) as data:
        n_geometries = len(data["car_models"])
    record = {
        "settings": asdict(settings),
        "geometries": n_geometries,
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(seconds),
        "device": arguments.device,
        "threads": arguments.threads,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "open_clip_torch": open_clip.__version__,
        },
    }
    path = arguments.config.with_suffix(".training.json")
    path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
