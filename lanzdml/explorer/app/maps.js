// Two maps whose points are the images, drawn on canvases.
const PALETTE = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e08214", "#7f7f7f", "#8c6bb1", "#1b9e77", "#b15928", "#e7298a"];
const MARGIN = 18; // CSS pixels
const SIDE = 26; // of a picture
const decoded = new Map(); // pictures by their data

const colorsOf = (notion) => {
  const isColor = (name) => /^[a-z]{3,20}$/.test(name) && CSS.supports("color", name);
  if (notion.classes.every(isColor)) return notion.classes;
  const turn = (i) => `hsl(${Math.round((i * 137.508) % 360)} 60% ${45 + 15 * (i % 2)}%)`;
  return notion.classes.map((_, i) => (notion.classes.length <= PALETTE.length ? PALETTE[i] : turn(i)));
};

const decodedPicture = (number, redraw) => {
  const data = chosenDataset().thumbnails[number];
  if (typeof data !== "string") return null;
  if (!decoded.has(data)) {
    const image = new Image();
    image.onload = redraw;
    image.src = `data:image/webp;base64,${data}`;
    decoded.set(data, image);
  }
  const image = decoded.get(data);
  return image.complete && image.naturalWidth ? image : null;
};

// Where the points of a method are, in CSS pixels of a canvas of a width and height.
const placed = (method, width, height) => {
  const points = numbers(method.points);
  const side = Math.min(width, height) - 2 * MARGIN;
  const x = (width - side) / 2;
  const y = (height - side) / 2;
  return (place) => [x + (points[2 * place] / 65535) * side, y + (1 - points[2 * place + 1] / 65535) * side];
};

const drawMap = (canvas, method) => {
  const notion = chosenNotion();
  const queries = numbers(notion.queries);
  const style = getComputedStyle(document.documentElement);
  const [ink, paper, link] = ["--ink", "--paper", "--link"].map((name) => style.getPropertyValue(name));
  const { width, height } = canvas.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const at = placed(method, width, height);
  const colors = colorsOf(notion);
  const shown = new Set(matching());
  const redraw = () => { if (!canvas.waits) { canvas.waits = true; requestAnimationFrame(() => { canvas.waits = false; if (canvas.isConnected) drawMap(canvas, method); }); } };
  const dot = (place) => {
    const [x, y] = at(place);
    const classes = classesOf(notion, queries[place]);
    classes.forEach((value, ring) => {
      pen.beginPath();
      pen.arc(x, y, 4.5 * (1 - ring / classes.length), 0, 2 * Math.PI);
      pen.fillStyle = colors[value];
      pen.fill();
      if (ring === 0) { pen.strokeStyle = ink; pen.lineWidth = 0.5; pen.stroke(); }
    });
  };
  const framed = (place) => {
    const [x, y] = at(place);
    const image = state.points === "pictures" ? decodedPicture(queries[place], redraw) : null;
    if (!image) return dot(place);
    const size = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
    const [w, h] = [image.naturalWidth * size, image.naturalHeight * size];
    pen.drawImage(image, x - w / 2, y - h / 2, w, h);
    pen.strokeStyle = colors[classesOf(notion, queries[place])[0]];
    pen.lineWidth = 1.5;
    return pen.strokeRect(x - w / 2, y - h / 2, w, h);
  };
  const ring = (place, color, radius, line) => {
    const [x, y] = at(place);
    for (const [stroke, width] of [[paper, line + 2], [color, line]]) {
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.strokeStyle = stroke;
      pen.lineWidth = width;
      pen.stroke();
    }
  };
  const places = [...queries.keys()];
  pen.globalAlpha = 0.12;
  places.filter((place) => !shown.has(queries[place])).forEach(dot);
  pen.globalAlpha = 1;
  places.filter((place) => shown.has(queries[place])).forEach(framed);
  const chosen = state.picture === null ? undefined : placesOf(notion).get(state.picture);
  if (chosen === undefined) return;
  for (const one of neighboursOf(notion, method, chosen).found) {
    const place = placesOf(notion).get(one.picture);
    if (place !== undefined) ring(place, one.right ? link : ink, 7, 1.5);
  }
  ring(chosen, link, 11, 3);
};

// The image whose point is nearest to a place on the canvas; null where none is near.
const pointAt = (event, method) => {
  const box = event.currentTarget.getBoundingClientRect();
  const at = placed(method, box.width, box.height);
  const queries = numbers(chosenNotion().queries);
  const shown = new Set(matching());
  let [nearest, least] = [null, 20 ** 2];
  queries.forEach((number, place) => {
    if (!shown.has(number)) return;
    const [x, y] = at(place);
    const far = (x - (event.clientX - box.left)) ** 2 + (y - (event.clientY - box.top)) ** 2;
    if (far < least) [nearest, least] = [number, far];
  });
  return nearest;
};

const mapPanel = (notion, method) => {
  const heading = make("h3", {}, words(method.label));
  if (!isMade(method) || !method.points) {
    const why = isMade(method) ? method.no_points : method.reason;
    return make("figure", {}, heading, make("p", { class: "aside" }, "No map: ", words(why ?? "")));
  }
  const canvas = make("canvas", { role: "img", "data-method": method.name,
    "aria-label": `Map of ${count(numbers(notion.queries).length)} images by ${method.label}; the list below holds the same images` });
  const hint = make("div", { class: "hint", hidden: "", "aria-hidden": "true" });
  canvas.addEventListener("click", (event) => {
    const number = pointAt(event, method);
    if (number !== null) look(number);
  });
  canvas.addEventListener("pointermove", (event) => {
    const number = event.pointerType === "mouse" ? pointAt(event, method) : null;
    hint.hidden = number === null;
    canvas.classList.toggle("on-point", number !== null);
    if (number === null || hint.dataset.number === String(number)) return;
    hint.dataset.number = number;
    hint.replaceChildren(picture(number, notion), words(labelOf(notion, number), { class: "label" }));
  });
  canvas.addEventListener("pointerleave", () => { hint.hidden = true; });
  return make("figure", {}, heading, make("div", { class: "map" }, canvas, hint));
};

let mapsOf = null;
const drawMaps = () => {
  for (const canvas of byId("map-panels").querySelectorAll("canvas")) {
    drawMap(canvas, methodNamed(canvas.dataset.method));
  }
};

const showLegend = (notion) => {
  const colors = colorsOf(notion);
  const entries = notion.classes.length > 24 ? [] : notion.classes.map((name, i) => {
    const swatch = make("span", { class: "swatch" });
    swatch.style.background = colors[i];
    const button = make("button", { type: "button", "aria-pressed": state.label === name }, swatch, words(name));
    button.addEventListener("click", () => {
      change({ label: state.label === name ? "" : name });
      byId("legend").querySelectorAll("button")[i].focus();
    });
    return make("li", {}, button);
  });
  byId("legend").replaceChildren(...entries);
};

const showMaps = () => {
  const notion = chosenNotion();
  const key = [state.dataset, state.notion, state.a, state.b].join("\n");
  if (mapsOf !== key) byId("map-panels").replaceChildren(...chosenMethods().map((method) => mapPanel(notion, method)));
  mapsOf = key;
  for (const button of byId("map-shown").children) button.setAttribute("aria-pressed", button.dataset.points === state.points);
  showLegend(notion);
  drawMaps();
};

const beginMaps = () => {
  byId("map-shown").addEventListener("click", (event) => {
    const points = event.target.dataset.points;
    if (points) change({ points });
  });
  const again = () => { if (state.view === "maps") drawMaps(); };
  new ResizeObserver(again).observe(byId("map-panels"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
};
