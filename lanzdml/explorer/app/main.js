// The page as a whole: what is chosen at its top, which view is open, and what happens first.
const shownBefore = {};

const options = (select, entries, value) => {
  select.replaceChildren(...entries.map(({ name, label }) => make("option", { value: name }, label)));
  select.value = value;
};

const titled = (method) => ({
  name: method.name,
  label: method.label + (method.supervised ? " (sees labels)" : "") + (isMade(method) ? "" : " (not made)"),
});

const ofRun = (method) => {
  if (!method) return "";
  if (!isMade(method)) return "could not be made";
  const { map_at_r: map, precision_at_1: first } = method.scores;
  if (map === undefined) return "no scores";
  return `MAP@R ${percent(map)}, Prec@1 ${percent(first)}${method.dim ? `, r' = ${method.dim}` : ""}`;
};

const showChoices = () => {
  const notion = chosenNotion();
  options(byId("dataset"), DATA.datasets, state.dataset);
  options(byId("notion"), chosenDataset().notions, state.notion);
  options(byId("a"), notion.methods.map(titled), state.a);
  const others = notion.methods.filter((method) => method.name !== state.a).map(titled);
  options(byId("b"), [...others, { name: "", label: "none" }], state.b);
  byId("score-a").textContent = ofRun(methodNamed(state.a));
  byId("score-b").textContent = ofRun(methodNamed(state.b));
  byId("swap").disabled = !state.b;
};

// What one has to know of these data, so that no number is taken for another.
const notesOf = () => {
  const dataset = chosenDataset();
  const notion = chosenNotion();
  const notes = [];
  const asking = numbers(notion.queries).length;
  if (dataset.n_queries < dataset.n_images) {
    notes.push(`A sample: ${count(dataset.n_queries)} of ${count(dataset.n_images)} images of ${dataset.label}, drawn at random, can be looked at, ${count(asking)} of them with a label for ${notion.label}. `
      + "Their neighbours are the nearest of all images, and a method’s scores are over all; lists, confusions and maps are of the sample.");
  }
  if (DATA.split) notes.push(`Queries find images of the gallery only: ${count(notion.n_queries)} are queries, ${count(notion.n_images - notion.n_queries)} the gallery.`);
  if (notion.several) notes.push("Images may have several classes of this notion; two agree that share one.");
  const codes = dataset.thumbnails.filter((one) => typeof one !== "string");
  const [none, room, broken] = [0, 1, 2].map((code) => codes.filter((one) => one === code).length);
  if (none) notes.push("There are vectors and labels only, and no pictures: images are shown by their ids.");
  if (room) notes.push(`There was no room for ${count(room)} of ${count(dataset.ids.length)} pictures: these are shown by their ids.`);
  if (broken) notes.push(`${count(broken)} pictures could not be read: these are shown by their ids.`);
  for (const method of chosenMethods()) {
    if (isMade(method) && method.elsewhere) {
      notes.push(`${method.label} was scored on another machine: ${count(method.elsewhere)} of ${count(asking)} images find another one first here than their scores say.`);
    }
  }
  return notes;
};

const isNew = (part, ...values) => {
  const key = values.join("\n");
  const before = shownBefore[part];
  shownBefore[part] = key;
  return before !== key;
};

const show = () => {
  const { dataset, notion, a, b, view } = state;
  if (isNew("choices", dataset, notion, a, b)) {
    showChoices();
    byId("notes").replaceChildren(...notesOf().map((text) => make("p", {}, text)));
  }
  for (const tab of byId("tabs").children) {
    const isOpen = tab.dataset.view === view;
    tab.setAttribute("aria-selected", isOpen);
    tab.tabIndex = isOpen ? 0 : -1;
    if (isOpen) byId("view").setAttribute("aria-labelledby", tab.id);
  }
  const hasGrid = view === "images" || view === "maps";
  byId("images").hidden = !hasGrid;
  for (const name of ["maps", "losses", "confusions"]) byId(name).hidden = view !== name;
  if (hasGrid) {
    showFilters();
    if (isNew("grid", filterKey())) showGrid();
  }
  if (view === "maps") showMaps();
  if (view === "losses" && isNew("losses", dataset, notion, a, b)) showLosses();
  if (view === "confusions" && isNew("confusions", dataset, notion, a, b)) showConfusions();
  if (isNew("chosen", dataset, notion, a, b, state.picture)) {
    showChosen();
    say();
  }
  markChosen();
};

const begin = () => {
  byId("choices").addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["dataset", "notion", "a", "b"]) {
    byId(name).addEventListener("input", (event) => change({ [name]: event.target.value, ...(name === "a" || name === "b" ? {} : { pair: "" }) }));
  }
  byId("swap").addEventListener("click", () => change({ a: state.b, b: state.a, pair: "" }));
  byId("tabs").addEventListener("click", (event) => {
    const view = event.target.dataset.view;
    if (view) change({ view });
  });
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    change({ view: VIEWS[(VIEWS.indexOf(state.view) + step + VIEWS.length) % VIEWS.length] });
    byId(`tab-${state.view}`).focus();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-picture]");
    if (!button) return;
    const inChosen = byId("chosen").contains(button);
    look(Number(button.dataset.picture));
    // The panel is below the list there; and a neighbour's button is gone.
    if (isNarrow() || inChosen) byId("chosen").focus({ preventScroll: !isNarrow() });
  });
  for (const link of document.querySelectorAll(".skip")) {
    link.addEventListener("click", (event) => { event.preventDefault(); byId(link.dataset.target).focus(); });
  }
  addEventListener("popstate", () => { settle(asked()); show(); });
  beginGrid();
  beginMaps();
  byId("no-script").remove();
  byId("explorer").hidden = false;
  settle(asked());
  show();
  if (state.picture !== null && isNarrow()) byId("chosen").scrollIntoView();
};
begin();
