"""Tokenizers of transformers of a few tokens, each saved as its publisher saves the real one."""

import json
import string

WORDS = ("a", "red", "blue", "car", "photo", "of")
LETTERS = ("▁", *string.ascii_lowercase)


def _pieces(*special):
    words = [f"▁{word}" for word in WORDS]
    return [(piece, -float(n)) for n, piece in enumerate([*special, *words, *LETTERS])]


def _numbered(*pieces):
    return {piece: number for number, piece in enumerate(pieces)}


def t5(folder):
    """Of SigLIP."""
    from transformers import T5Tokenizer

    pieces = _pieces("<pad>", "</s>", "<unk>")
    T5Tokenizer(vocab=pieces, extra_ids=0).save_pretrained(folder)


def gemma(folder):
    """Of SigLIP 2, which ends texts as the first SigLIP does."""
    from transformers import GemmaTokenizer

    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    GemmaTokenizer(
        vocab=_numbered(*special, *LETTERS), merges=[],
        add_bos_token=False, add_eos_token=True, padding_side="right",
    ).save_pretrained(folder)  # fmt: skip


def bert(folder):
    """Of CLIPA."""
    from transformers import BertTokenizer

    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)
    BertTokenizer(vocab=_numbered(*pieces)).save_pretrained(folder)


def xlm_roberta(folder):
    """Of XLM-RoBERTa, XLM-V and so MetaCLIP 2."""
    from transformers import XLMRobertaTokenizer

    pieces = _pieces("<s>", "<pad>", "</s>", "<unk>")
    XLMRobertaTokenizer(vocab=[*pieces, ("<mask>", 0.0)]).save_pretrained(folder)


def roberta(folder):
    """Of RoBERTa, whose letters are bytes."""
    from transformers import RobertaTokenizer

    pieces = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *string.ascii_lowercase)
    RobertaTokenizer(vocab=_numbered(*pieces), merges=[]).save_pretrained(folder)


def nllb(folder):
    """Of NLLB, where the language comes first."""
    from transformers import NllbTokenizer

    pieces = ("<s>", "<pad>", "</s>", "<unk>", *LETTERS, "eng_Latn", "fra_Latn", "<mask>")
    NllbTokenizer(vocab=_numbered(*pieces), merges=[], src_lang="eng_Latn").save_pretrained(folder)


def sentencepiece(folder):
    """Of mT5, which is published as SentencePiece's own file alone."""
    import io

    from sentencepiece import SentencePieceTrainer

    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS)] * 50), model_writer=model, vocab_size=32,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(model.getvalue())
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "tokenizer_file": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
