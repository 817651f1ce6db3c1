// The image that is looked at, and what it finds by each method.
const mark = (right) => make("span", { class: `mark ${right ? "right" : "wrong"}` },
  make("span", { "aria-hidden": "true" }, right ? "✓" : "✗"),
  make("span", { class: "unseen" }, right ? "right" : "wrong"));

const neighbour = (notion, one) => {
  const rank = make("span", { class: "rank" }, `${one.rank}${one.shared ? "=" : ""}`);
  const inside = [
    make("span", { class: "framed" }, picture(one.picture, notion), mark(one.right)),
    make("span", { class: "below" }, rank, " ",
      words(labelOf(notion, one.picture), { class: "label", "aria-hidden": "true" })),
  ];
  const kind = `neighbour ${one.right ? "right" : "wrong"}`;
  const canAsk = placesOf(notion).has(one.picture);
  return make("li", { class: kind }, canAsk
    ? make("button", { type: "button", "data-picture": one.picture }, ...inside)
    : make("span", { class: "cannot-ask" }, ...inside));
};

// 0 or 100, or between them where several images tie for the first place.
const firstOf = (method, place) => {
  const value = scoreOf(method, "precision_at_1", place);
  return Number.isNaN(value) ? null : `Prec@1 ${Number(percent(value))}`;
};
const valueOf = (method, place) => {
  const value = scoreOf(method, "map_at_r", place);
  if (Number.isNaN(value)) return "no score: nothing else is of its class";
  return `MAP@R ${percent(value)}`;
};

const byMethod = (notion, method, place) => {
  const heading = make("h3", {}, words(method.label));
  if (!isMade(method)) {
    return make("section", { "aria-label": method.label }, heading,
      make("p", { class: "aside" }, "Could not be made: ", words(method.reason)));
  }
  const { found, goesOn } = neighboursOf(notion, method, place);
  const right = found.filter((one) => one.right).length;
  const possible = numbers(notion.possible)[place];
  const most = possible < found.length ? ` (${possible} possible)` : "";
  const told = [valueOf(method, place), firstOf(method, place), `${right} of ${found.length} right${most}`];
  const last = found.at(-1);
  return make("section", { "aria-label": method.label }, heading,
    make("p", { class: "score" }, ...told.map((text) => text && make("span", {}, text))),
    make("ol", { class: "neighbours" }, ...found.map((one) => neighbour(notion, one))),
    goesOn ? make("p", { class: "aside" },
      `${count(goesOn)} more ${goesOn === 1 ? "is" : "are"} as near as rank ${last.rank}; those shown are first in the data.`) : null);
};

const showChosen = () => {
  const chosen = byId("chosen");
  const notion = chosenNotion();
  if (state.picture === null) {
    chosen.replaceChildren(make("h2", {}, "Choose an image"),
      make("p", { class: "aside" }, "Its nearest neighbours by each method appear here, right ones marked."));
    return;
  }
  const place = placesOf(notion).get(state.picture);
  const id = chosenDataset().ids[state.picture];
  const back = make("button", { type: "button", class: "back" }, "Back to the images");
  back.addEventListener("click", () => {
    const tileOf = byId("view").querySelector(`.tile[data-picture="${state.picture}"]`);
    (tileOf ?? byId("view")).focus();
    (tileOf ?? byId("view")).scrollIntoView({ block: "center" });
  });
  chosen.replaceChildren(
    make("div", { class: "query" }, picture(state.picture, notion),
      make("div", {}, make("h2", {}, words(labelOf(notion, state.picture))),
        make("p", { class: "aside" }, "Image ", words(id)), back)),
    make("div", { class: "beside" }, ...chosenMethods().map((method) => byMethod(notion, method, place))),
  );
};

// Says what one sees, to those who do not.
const say = () => {
  if (state.picture === null) return;
  const notion = chosenNotion();
  const place = placesOf(notion).get(state.picture);
  const told = chosenMethods().filter(isMade).map((method) => {
    const { found } = neighboursOf(notion, method, place);
    return `${method.label} finds ${found.filter((one) => one.right).length} of ${found.length} right`;
  });
  byId("said").textContent = `${labelOf(notion, state.picture)}: ${told.join(", ")}`;
};
