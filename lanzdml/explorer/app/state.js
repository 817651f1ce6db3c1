// What is looked at: it stands in the page's address, so that a link leads others there.
const VIEWS = ["images", "maps", "losses", "confusions"];
const state = {};

const chosenDataset = () => DATA.datasets.find((one) => one.name === state.dataset);
const chosenNotion = () => chosenDataset().notions.find((one) => one.name === state.notion);
const methodNamed = (name) => chosenNotion().methods.find((one) => one.name === name);
const chosenMethods = () => [methodNamed(state.a), methodNamed(state.b)].filter(Boolean);

const oneOf = (all, wanted, otherwise) =>
  all.some((one) => one.name === wanted) ? wanted : otherwise?.name;

// Keeps what there is of what is asked for, which may be anybody's link, and fills in the rest.
const settle = (asked) => {
  state.dataset = oneOf(DATA.datasets, asked.dataset, DATA.datasets[0]);
  const notions = chosenDataset().notions;
  state.notion = oneOf(notions, asked.notion, notions[0]);
  const { methods } = chosenNotion();
  state.a = oneOf(methods, asked.a, methods[0]);
  const others = methods.filter((one) => one.name !== state.a);
  state.b = asked.b === "" ? "" : oneOf(others, asked.b, others[0]) ?? "";
  state.view = VIEWS.includes(asked.view) ? asked.view : "images";
  state.points = asked.points === "pictures" ? "pictures" : "dots";
  state.search = asked.search ?? "";
  state.label = chosenNotion().classes.includes(asked.label) ? asked.label : "";
  const pair = /^(\d{1,6})-(\d{1,6})-(a|b)$/.test(asked.pair ?? "") ? asked.pair : "";
  const groups = chosenNotion().groups.length;
  state.pair = pair.split("-").slice(0, 2).every((group) => Number(group) < groups) ? pair : "";
  const rows = numbers(chosenDataset().rows).subarray(0, chosenDataset().n_queries);
  const picture = /^\d{1,10}$/.test(asked.image ?? "") ? rows.indexOf(Number(asked.image)) : -1;
  state.picture = placesOf(chosenNotion()).has(picture) ? picture : null;
};

const address = () => {
  const { dataset, notion, a, b, view, points, search, label, pair, picture } = state;
  const parts = new URLSearchParams({ dataset, notion, a, b, view });
  if (view === "maps" && points !== "dots") parts.set("points", points);
  for (const [name, value] of Object.entries({ label, search, pair })) {
    if (value) parts.set(name, value);
  }
  if (picture !== null) parts.set("image", numbers(chosenDataset().rows)[picture]);
  return `#${parts}`;
};

const asked = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

// Changes some of it. An image is a step to go back from; all else is not.
const change = (parts) => {
  const image = state.picture === null ? undefined : numbers(chosenDataset().rows)[state.picture];
  const before = state.picture;
  settle({ ...state, image: image?.toString(), ...parts });
  const step = state.picture !== before && parts.image !== undefined ? "pushState" : "replaceState";
  history[step](null, "", address());
  show();
};

const look = (picture) => change({ image: numbers(chosenDataset().rows)[picture].toString() });
