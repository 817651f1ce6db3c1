"""The words of the figure of mean ranks."""

from lanzdml.figures.words import Words

WORDS = Words(
    title="Mean ranks",
    seen="Axis of mean ranks with the methods on it; bars join those that are not told apart.",
    caption="Mean ranks of the methods over the notions by MAP@R, 1 is the best; notions that "
    "combine others do not count, and of those with the same labels the first does. Methods that a "
    "bar joins differ by less than Nemenyi's critical difference (5 % level), drawn as a length "
    "above the axis, and are not told apart. It holds for many notions; with three it parts fewer "
    "than it should, and with two it is longer than the axis. Methods that see labels are not "
    "ranked, nor are those without a value on some notion. After Demšar (JMLR 2006).",
    category="Significance",
)
