// The images that can be looked at: filtered, some at first and more when asked for.
const page = () => (isNarrow() ? 48 : 120);
let gridOf = null; // what is in it
let gridCount = 0;

const groupOf = (notion, picture) => {
  const wanted = classesOf(notion, picture).join(" ");
  return notion.groups.findIndex((classes) => classes.join(" ") === wanted);
};

const filterKey = () => {
  const { dataset, notion, label, search, pair, a, b } = state;
  return JSON.stringify([dataset, notion, label, search, pair, pair && a, pair && b]);
};

let matched = { key: null, found: [] };
// The pictures that pass the filters.
const matching = () => {
  const key = filterKey();
  if (matched.key !== key) matched = { key, found: filtered() };
  return matched.found;
};

const filtered = () => {
  const notion = chosenNotion();
  const dataset = chosenDataset();
  const label = notion.classes.indexOf(state.label);
  const sought = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const [from, to, which] = state.pair.split("-");
  const method = state.pair ? methodNamed(state[which]) : null;
  return [...numbers(notion.queries)].filter((number, place) => {
    if (label >= 0 && !classesOf(notion, number).includes(label)) return false;
    const text = `${labelOf(notion, number)} ${dataset.ids[number]}`.toLowerCase();
    if (!sought.every((word) => text.includes(word))) return false;
    if (!isMade(method)) return true;
    const first = numbers(method.neighbours)[place * method.k];
    return groupOf(notion, number) === Number(from) && groupOf(notion, first) === Number(to);
  });
};

const showGrid = () => {
  const notion = chosenNotion();
  const key = filterKey();
  if (key !== gridOf) gridCount = page();
  const found = matching();
  // One that a link leads to is among the first.
  while (key !== gridOf && found.indexOf(state.picture) >= gridCount) gridCount += page();
  gridOf = key;
  const grid = byId("grid");
  const had = Number(document.activeElement?.closest?.("#grid [data-picture]")?.dataset.picture ?? NaN);
  grid.replaceChildren(...found.slice(0, gridCount).map((number) =>
    tile(notion, number, { role: "option", tabindex: "-1" })));
  const begin = grid.querySelector(`[data-picture="${Number.isNaN(had) ? state.picture : had}"]`);
  (begin ?? grid.firstElementChild)?.setAttribute("tabindex", "0");
  if (!Number.isNaN(had)) begin?.focus({ preventScroll: true });
  byId("more").hidden = found.length <= gridCount;
  const part = found.length > gridCount ? `, the first ${count(gridCount)} shown` : "";
  byId("count").textContent = `${count(found.length)} of ${count(numbers(notion.queries).length)} images${part}`;
};

const showPair = () => {
  const pair = byId("pair");
  pair.hidden = !state.pair;
  if (!state.pair) return;
  const notion = chosenNotion();
  const [from, to, which] = state.pair.split("-");
  const stop = make("button", { type: "button" }, "Show all");
  stop.addEventListener("click", () => { change({ pair: "" }); byId("label").focus(); });
  pair.replaceChildren("Only ", words(nameOfClasses(notion, notion.groups[from])), " whose first neighbour by ",
    words(methodNamed(state[which])?.label ?? ""), " is ", words(nameOfClasses(notion, notion.groups[to])), ". ", stop);
};

const showFilters = () => {
  const notion = chosenNotion();
  const select = byId("label");
  if (select.dataset.of !== `${state.dataset}/${state.notion}`) {
    select.dataset.of = `${state.dataset}/${state.notion}`;
    const options = notion.classes.map((name) => make("option", { value: name }, name));
    select.replaceChildren(make("option", { value: "" }, "all"), ...options);
  }
  select.value = state.label;
  if (byId("search").value !== state.search) byId("search").value = state.search;
  showPair();
};

const beginGrid = () => {
  byId("label").addEventListener("input", (event) => change({ label: event.target.value }));
  byId("search").addEventListener("input", (event) => change({ search: event.target.value }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("more").addEventListener("click", () => {
    const next = gridCount;
    gridCount += page();
    showGrid();
    markChosen();
    const first = byId("grid").children[next];
    if (first) { byId("grid").querySelector('[tabindex="0"]').tabIndex = -1; first.tabIndex = 0; first.focus(); }
  });
  roving(byId("grid"), ".tile");
};
