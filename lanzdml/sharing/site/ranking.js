// The ranking: filter, sort, show a page more. Data becomes text nodes, never HTML.
"use strict";
(() => {
  const PAGE = 100;
  const byId = (id) => document.getElementById(id);
  const { metrics, texts, sources, boards, rows } = JSON.parse(byId("data").textContent);
  const names = Object.keys(texts);
  const at = Object.fromEntries(names.map((name, i) => [name, i + 2]));
  const SCORES = names.length + 2; // a row: id, ranking, numbers of texts, then a list a metric
  const form = byId("filters");
  const table = byId("ranking");
  const body = table.tBodies[0];
  const more = byId("more");
  const heads = new Map([...table.tHead.rows[0].cells].map((cell) => [cell.dataset.column, cell]));
  const controls = [...form.querySelectorAll("[data-key]")];
  const filters = controls.filter((control) => control.dataset.key in at);
  const collator = new Intl.Collator("en", { numeric: true });
  const UNSORTED = new Set(["note", "row"]);
  const DOWN_FIRST = new Set(["score"]);

  const text = (row, name) => texts[name][row[at[name]]];
  // A row may be of several folders: it is found by each.
  const isLike = (name, number, wanted) =>
    name === "source" ? sources[number].includes(wanted) : texts[name][number] === wanted;
  const numbersOf = (name, wanted) =>
    new Set([...texts[name].keys()].filter((number) => isLike(name, number, wanted)));
  const optionsOf = (name) => [...new Set(name === "source" ? sources.flat() : texts[name])];
  const haystacks = rows.map((row) => names.map((name) => text(row, name)).join(" ").toLowerCase());

  let metric = 0;
  let matching = [];
  let count = PAGE;
  let sorting = { column: "", direction: 1 };

  // [mean, text, rank, of how many, low, high]; what is not ranked lacks the last four.
  const score = (row) => row[SCORES + metric];
  const value = {
    rank: (row) => score(row)[2] ?? null,
    interval: (row) => (score(row)[4] == null ? null : score(row)[4] + score(row)[5] / 1e6),
    score: (row) => score(row)[0],
  };
  const key = (row, column) => {
    if (column in value) return value[column](row);
    const shown = text(row, column);
    return shown === "—" ? null : shown;
  };
  // What is missing comes last in either direction.
  const compareBy = (column, direction) => (a, b) => {
    const [x, y] = [key(rows[a], column), key(rows[b], column)];
    if (x === null || y === null) return (x === null) - (y === null);
    return direction * (typeof x === "number" ? x - y : collator.compare(x, y));
  };
  const byRank = compareBy("rank", 1);
  const byScore = compareBy("score", -1);
  const asRanked = (a, b) => rows[a][1] - rows[b][1] || byRank(a, b) || byScore(a, b) || a - b;

  const cells = {
    rank: (row) => {
      const [, , rank, ranked] = score(row);
      if (rank == null) return ["—"];
      const small = document.createElement("small");
      small.textContent = `of ${ranked}`;
      return [`${rank} `, small];
    },
    interval: (row) => {
      const [low, high] = score(row).slice(4);
      if (low == null) return [];
      return [low === high ? String(low) : `${low}–${high}`];
    },
    score: (row) => [score(row)[1]],
    note: (row) => {
      const note = text(row, "note");
      const warning = text(row, "warning");
      if (!warning) return note ? [note] : [];
      const strong = document.createElement("strong");
      strong.textContent = warning;
      return [strong, ` ${note}`];
    },
    row: (row) => {
      const link = document.createElement("a");
      link.href = `rows/${row[0]}.json`;
      link.download = "";
      const what = document.createElement("span");
      what.className = "unseen";
      what.textContent = ` of ${text(row, "method")}, ${text(row, "dataset")} ${text(row, "notion")}`;
      link.append("JSON", what);
      return [link];
    },
  };

  const line = (row) => {
    const element = document.createElement("tr");
    element.setAttribute("role", "row");
    for (const column of heads.keys()) {
      const isHead = column === "method";
      const cell = document.createElement(isHead ? "th" : "td");
      cell.setAttribute("role", isHead ? "rowheader" : "cell");
      if (isHead) cell.scope = "row";
      cell.append(...(column in cells ? cells[column](row) : [text(row, column)]));
      element.append(cell);
    }
    return element;
  };

  const heading = (board) => {
    const element = document.createElement("tr");
    element.className = "board";
    element.setAttribute("role", "row");
    const cell = document.createElement("th");
    cell.colSpan = heads.size;
    cell.scope = "rowgroup";
    cell.setAttribute("role", "rowheader");
    cell.textContent = boards[board];
    element.append(cell);
    return element;
  };

  const draw = () => {
    const fragment = document.createDocumentFragment();
    let board = null;
    for (const row of matching.slice(0, count).map((index) => rows[index])) {
      if (!sorting.column && row[1] !== board) fragment.append(heading(row[1]));
      board = row[1];
      fragment.append(line(row));
    }
    table.classList.toggle("grouped", !sorting.column);
    body.replaceChildren(fragment);
    const [found, all] = [matching.length, rows.length].map((n) => n.toLocaleString("en"));
    const part = matching.length > count ? `, the first ${count.toLocaleString("en")} shown` : "";
    const none = matching.length ? "" : ": nothing is like this; “Show all” takes all filters away";
    byId("count").textContent = `${found} of ${all} rows${part}${none}`;
    more.hidden = matching.length <= count;
  };

  const update = () => {
    metric = Math.max(0, metrics.findIndex(([name]) => name === byId("metric").value));
    const wanted = filters
      .filter((select) => select.value !== "")
      .map((select) => [at[select.dataset.key], numbersOf(select.dataset.key, select.value)]);
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = [...rows.keys()].filter(
      (index) =>
        wanted.every(([position, numbers]) => numbers.has(rows[index][position])) &&
        words.every((word) => haystacks[index].includes(word)),
    );
    const { column, direction } = sorting;
    const chosen = column && compareBy(column, direction);
    matching.sort(chosen ? (a, b) => chosen(a, b) || asRanked(a, b) : asRanked);
    for (const [name, head] of heads) {
      if (name !== column) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    }
    byId("sort").value = column;
    byId("direction").firstChild.data = direction > 0 ? "↓" : "↑";
    byId("direction").disabled = !column;
    heads.get("score").firstChild.textContent = metrics[metric][1];
    count = PAGE;
    draw();
  };

  // The address holds what differs from the page as it opens.
  const remember = () => {
    const state = new URLSearchParams();
    for (const control of controls) {
      const first = control.dataset.key === "metric" ? metrics[0][0] : "";
      if (control.value !== first) state.set(control.dataset.key, control.value);
    }
    if (sorting.column && sorting.direction < 0) state.set("order", "descending");
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    if (state.size && ![...state.keys()].some((name) => controls.some((control) => control.dataset.key === name))) {
      return; // the anchor of a section
    }
    for (const control of controls) {
      const first = control.dataset.key === "metric" ? metrics[0][0] : "";
      control.value = state.get(control.dataset.key) ?? first;
      if (control.selectedIndex === -1) control.value = first;
    }
    sorting = { column: byId("sort").value, direction: state.get("order") === "descending" ? -1 : 1 };
    update();
  };
  const change = () => {
    update();
    remember();
  };
  const sortBy = (column, direction) => {
    sorting = { column, direction: column ? direction : 1 };
    byId("sort").value = column;
    change();
  };

  for (const select of filters) {
    const options = optionsOf(select.dataset.key).sort(collator.compare);
    select.append(...options.map((option) => new Option(option, option)));
    select.closest("p").hidden = options.length < 2;
  }
  for (const [name, head] of heads) {
    head.setAttribute("role", "columnheader");
    if (UNSORTED.has(name)) continue;
    byId("sort").append(new Option(head.textContent, name));
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      const first = DOWN_FIRST.has(name) ? -1 : 1;
      sortBy(name, sorting.column === name ? -sorting.direction : first);
    });
    head.replaceChildren(button);
  }
  table.setAttribute("role", "table");
  table.tHead.setAttribute("role", "rowgroup");
  table.tHead.rows[0].setAttribute("role", "row");
  body.setAttribute("role", "rowgroup");

  form.addEventListener("input", (event) => {
    if (event.target.id !== "sort") change();
    else sortBy(event.target.value, DOWN_FIRST.has(event.target.value) ? -1 : 1);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    sorting = { column: "", direction: 1 };
    setTimeout(change); // once the fields are empty
  });
  byId("direction").addEventListener("click", () => sortBy(sorting.column, -sorting.direction));
  more.addEventListener("click", () => {
    count += PAGE;
    draw();
    if (more.hidden) body.closest(".table-region").focus(); // the button is gone
  });
  addEventListener("hashchange", recall);

  byId("choices").open = !matchMedia("(max-width: 48rem)").matches;
  byId("without-script").remove();
  form.hidden = false;
  table.classList.add("live");
  update();
  recall();
})();
