// The queries that one method loses most against the other, and those that all methods lose.
const MOST_LOST = 24;

const worst = (places, lost) =>
  places.map((place) => [place, lost(place)]).filter(([, value]) => value > 0)
    .sort((one, other) => other[1] - one[1] || one[0] - other[0]).slice(0, MOST_LOST);

const lossList = (title, told, entries, below) => {
  const notion = chosenNotion();
  const queries = numbers(notion.queries);
  const list = make("ol", { class: "tiles" }, ...entries.map(([place, value]) =>
    make("li", {}, tile(notion, queries[place], {}, make("span", { class: "score" }, below(place, value))))));
  return make("section", { "aria-label": title }, make("h3", {}, title),
    make("p", { class: "aside" }, told), entries.length ? list : make("p", {}, "None."));
};

const showLosses = () => {
  const notion = chosenNotion();
  const [a, b] = chosenMethods();
  const made = notion.methods.filter(isMade);
  const places = [...numbers(notion.queries).keys()]
    .filter((place) => made.length && !Number.isNaN(scoreOf(made[0], "map_at_r", place)));
  const value = (method, place) => scoreOf(method, "map_at_r", place);
  const parts = [];
  const against = (one, other) => lossList(
    `${one.label} loses most against ${other.label}`,
    `MAP@R of the image by ${one.label} and by ${other.label}.`,
    worst(places, (place) => value(other, place) - value(one, place)),
    (place) => `${percent(value(one, place))} / ${percent(value(other, place))}`,
  );
  if (isMade(a) && isMade(b)) parts.push(against(a, b), against(b, a));
  else if (isMade(a)) {
    parts.push(lossList(`${a.label} finds least`, "MAP@R of the image.",
      worst(places, (place) => 1 - value(a, place)), (place) => percent(value(a, place))));
  }
  if (made.length > 1) {
    const best = (place) => Math.max(...made.map((method) => value(method, place)));
    parts.push(lossList("All methods lose these",
      `The best MAP@R by any of ${made.map((method) => method.label).join(", ")}. `
      + "Often the label is wrong, or the image shows little of what it says: look before you blame the methods.",
      worst(places, (place) => 1 - best(place)), (place) => `best ${percent(best(place))}`));
  }
  byId("losses").replaceChildren(...parts);
};
