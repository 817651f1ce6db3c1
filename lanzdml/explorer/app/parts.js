// Elements that several parts of the page are made of. What users wrote becomes text, never HTML.
const byId = (id) => document.getElementById(id);

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
// A user's own words, whatever their direction is.
const words = (text, attributes = {}) => make("bdi", attributes, text);

const isNarrow = () => matchMedia("(max-width: 60rem)").matches;
const count = (n) => n.toLocaleString("en");

const picture = (number, notion) => {
  const dataset = chosenDataset();
  const data = dataset.thumbnails[number];
  const label = labelOf(notion, number);
  const alt = `${label || "no label"}, ${dataset.ids[number]}`;
  if (typeof data === "string") {
    const image = make("img", { alt, draggable: "false", decoding: "async" });
    image.src = `data:image/webp;base64,${data}`;
    return image;
  }
  const why = NO_PICTURE[data];
  return make("span", { class: "no-picture", title: why },
    words(dataset.ids[number], { class: "id" }), make("span", { class: "unseen" }, `, ${why}`));
};

// Arrow keys go from one of some elements to the next; Tab goes to one of them only.
const roving = (container, selector) => {
  const all = () => [...container.querySelectorAll(selector)];
  const focus = (element) => {
    for (const one of all()) one.tabIndex = one === element ? 0 : -1;
    element.focus({ preventScroll: false });
  };
  const columns = (elements) => {
    const top = elements[0].offsetTop;
    const next = elements.findIndex((one) => one.offsetTop !== top);
    return next < 0 ? elements.length : next;
  };
  container.addEventListener("keydown", (event) => {
    const elements = all();
    const at = elements.indexOf(event.target.closest(selector));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(elements), ArrowDown: columns(elements),
      Home: -at, End: elements.length - 1 - at,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = elements[at + step] ?? (event.key === "ArrowDown" ? elements.at(-1) : null);
    if (next) focus(next);
  });
};

// An image that one can look at, in a list of them, with more words below its label.
const tile = (notion, number, attributes, ...below) => {
  const button = make("button", { type: "button", class: "tile", "data-picture": number, ...attributes },
    picture(number, notion),
    words(labelOf(notion, number) || "no label", { class: "label", "aria-hidden": "true" }), ...below);
  return button;
};
const markChosen = () => {
  for (const one of document.querySelectorAll("[data-picture]")) {
    const isIt = Number(one.dataset.picture) === state.picture;
    one.classList.toggle("is-chosen", isIt);
    if (one.getAttribute("role") === "option") one.setAttribute("aria-selected", isIt);
    else if (one.tagName === "BUTTON") one.setAttribute("aria-current", isIt);
  }
};
