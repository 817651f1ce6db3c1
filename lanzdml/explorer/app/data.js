// The data of the page: what is packed is unpacked when it is first asked for, and kept.
const DATA = JSON.parse(document.getElementById("explorer-data").textContent);
const TYPES = { Uint8Array, Uint16Array, Uint32Array, Float32Array };
const NO_PICTURE = ["has no picture: vectors only", "no room for its picture", "cannot be read"];

const unpacked = new WeakMap();
const numbers = (packed) => {
  if (!unpacked.has(packed)) {
    const text = atob(packed.data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    unpacked.set(packed, new TYPES[packed.type](bytes.buffer));
  }
  return unpacked.get(packed);
};
// What stands in place of a number where there is none.
const isNone = (array, value) => value === (array instanceof Uint16Array ? 65535 : 4294967295);

const positions = new WeakMap();
// From the number of a picture to its place among a notion's queries.
const placesOf = (notion) => {
  if (!positions.has(notion)) {
    positions.set(notion, new Map([...numbers(notion.queries)].map((picture, i) => [picture, i])));
  }
  return positions.get(notion);
};

const classesOf = (notion, picture) => {
  if (notion.several) return notion.labels[picture];
  const values = numbers(notion.labels);
  return isNone(values, values[picture]) ? [] : [values[picture]];
};
const nameOfClasses = (notion, classes) => classes.map((i) => notion.classes[i]).join(", ");
const labelOf = (notion, picture) => nameOfClasses(notion, classesOf(notion, picture));
const agree = (notion, one, other) => {
  const classes = classesOf(notion, one);
  return classesOf(notion, other).some((value) => classes.includes(value));
};

const scoreOf = (method, metric, place) => numbers(method.queries[metric])[place];
const isMade = (method) => Boolean(method) && method.reason === undefined;

// The neighbours of a query: picture, whether it is right, and its rank, shared where it ties.
const neighboursOf = (notion, method, place) => {
  const all = numbers(method.neighbours);
  const tied = numbers(method.tied);
  const query = numbers(notion.queries)[place];
  const found = [];
  for (let i = 0; i < method.k; i += 1) {
    const at = place * method.k + i;
    if (isNone(all, all[at])) break;
    const ties = tied[at] === 1;
    const rank = ties ? found[i - 1].rank : i + 1;
    found.push({ picture: all[at], right: agree(notion, query, all[at]), rank, ties });
  }
  const end = found.at(-1);
  const goesOn = numbers(method.beyond)[place];
  for (const one of found) {
    one.shared = found.filter((other) => other.rank === one.rank).length > 1;
    one.shared ||= goesOn > 0 && one.rank === end.rank;
  }
  return { found, goesOn };
};
const percent = (value) => (100 * value).toFixed(1);
