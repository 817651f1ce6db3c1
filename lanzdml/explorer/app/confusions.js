// Which class the first neighbour is of: a table of all classes, or the largest confusions.
const MOST_CLASSES = 12;
const MOST_PAIRS = 40;

const pairButton = (from, to, which, name, ...inside) => {
  const button = make("button", { type: "button", "aria-label": name }, ...inside);
  button.addEventListener("click", () => change({ view: "images", pair: `${from}-${to}-${which}`, label: "", search: "" }));
  return button;
};

const confusionTable = (notion, method, which) => {
  const groups = [...notion.groups.keys()]
    .sort((one, other) => notion.groups[one][0] - notion.groups[other][0]);
  const cells = new Map(method.confusions.map(([from, to, n]) => [`${from} ${to}`, n]));
  const name = (group) => nameOfClasses(notion, notion.groups[group]);
  const rows = groups.map((from) => {
    const total = groups.reduce((sum, to) => sum + (cells.get(`${from} ${to}`) ?? 0), 0);
    return make("tr", {}, make("th", { scope: "row" }, words(name(from))), ...groups.map((to) => {
      const share = total ? (cells.get(`${from} ${to}`) ?? 0) / total : 0;
      const text = share === 0 ? "" : (100 * share).toFixed(share < 0.095 ? 1 : 0);
      const cell = make("td", { class: from === to ? "same" : null });
      cell.style.setProperty("--share", `${Math.round(100 * share)}%`);
      if (share > 0) {
        cell.append(pairButton(from, to, which, `${name(from)}, first neighbour ${name(to)}: ${text} percent`, text));
      }
      return cell;
    }));
  });
  const head = make("tr", {}, make("td", {}), ...groups.map((to) => make("th", { scope: "col" }, words(name(to)))));
  const table = make("table", { class: "matrix" },
    make("caption", { class: "unseen" }, `Confusions of ${method.label}: rows are classes of the image looked at, columns those of its first neighbour, in percent`),
    make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", { class: "table-region", role: "region", tabindex: "0", "aria-label": `Confusions of ${method.label}` }, table);
};

const confusionList = (notion, method, which) => {
  const wrong = method.confusions.filter(([from, to]) =>
    !notion.groups[from].some((value) => notion.groups[to].includes(value))).slice(0, MOST_PAIRS);
  if (!wrong.length) return make("p", {}, "Every first neighbour is right.");
  const name = (group) => nameOfClasses(notion, notion.groups[group]);
  const shown = (n) => (Number.isInteger(n) ? count(n) : n.toFixed(1));
  return make("ol", { class: "pairs" }, ...wrong.map(([from, to, n]) => make("li", {},
    pairButton(from, to, which, `${name(from)}, first neighbour ${name(to)}: ${shown(n)} images`,
      words(name(from)), make("span", { class: "to" }, " → "), words(name(to)), make("span", { class: "n" }, shown(n))))));
};

const showConfusions = () => {
  const notion = chosenNotion();
  const isTable = !notion.several && notion.groups.length <= MOST_CLASSES;
  const panels = chosenMethods().map((method) => {
    const which = method.name === state.a ? "a" : "b";
    const heading = make("h3", {}, words(method.label));
    if (!isMade(method)) return make("section", {}, heading, make("p", { class: "aside" }, "Could not be made: ", words(method.reason)));
    const lists = [make("h4", {}, "Largest confusions"), make("p", { class: "aside" }, "The class of the image looked at → that of its first neighbour, and how many images."), confusionList(notion, method, which)];
    return make("section", { "aria-label": method.label }, heading,
      ...(isTable ? [confusionTable(notion, method, which)] : []), ...lists);
  });
  byId("confusions").replaceChildren(
    make("p", { class: "aside" }, isTable
      ? "A row for each class of the image looked at, a column for that of its first neighbour, in percent of the row. Choose an entry to see its images."
      : "Choose an entry to see its images."), make("div", { class: "confusion-panels" }, ...panels));
};
