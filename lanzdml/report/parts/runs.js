// The table of all runs: filter, sort, show a page more. Data becomes text nodes, never HTML.
"use strict";
(() => {
  const PAGE = 100;
  const byId = (id) => document.getElementById(id);
  const { columns, rows } = JSON.parse(byId("run-data").textContent);
  const position = new Map(columns.map((column, i) => [column.name, i]));
  const form = byId("run-filters");
  const body = byId("run-table").tBodies[0];
  const more = byId("run-more");
  const headers = [...byId("run-table").tHead.rows[0].cells];
  const collator = new Intl.Collator("en", { numeric: true });

  const shown = (value, column) => {
    if (value === null) return column.name === "reason" ? "" : "—";
    return column.decimals === null ? String(value) : value.toFixed(column.decimals);
  };
  const texts = rows.map((row) => row.map((value, i) => shown(value, columns[i])));
  const haystacks = texts.map((row) => row.join(" ").toLowerCase());

  let matching = [];
  let count = PAGE;
  let sorting = { column: -1, direction: 1 };

  // What is missing comes last in either direction.
  const compare = (a, b) => {
    const [x, y] = [rows[a][sorting.column], rows[b][sorting.column]];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = columns[sorting.column].is_number ? x - y : collator.compare(x, y);
    return order * sorting.direction;
  };

  const draw = () => {
    const fragment = document.createDocumentFragment();
    for (const index of matching.slice(0, count)) {
      const line = document.createElement("tr");
      texts[index].forEach((text, i) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        if (columns[i].is_number) cell.className = "number";
        line.append(cell);
      });
      fragment.append(line);
    }
    body.replaceChildren(fragment);
    const all = rows.length.toLocaleString("en");
    const found = matching.length.toLocaleString("en");
    const part = matching.length > count ? `, the first ${count.toLocaleString("en")} shown` : "";
    byId("run-count").textContent = `${found} of ${all} runs${part}`;
    more.hidden = matching.length <= count;
  };

  const update = () => {
    const wanted = [...form.querySelectorAll("select")]
      .filter((select) => select.value !== "")
      .map((select) => [position.get(select.dataset.column), select.value]);
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = [...rows.keys()].filter(
      (index) =>
        wanted.every(([column, value]) => String(rows[index][column]) === value) &&
        words.every((word) => haystacks[index].includes(word)),
    );
    if (sorting.column >= 0) matching.sort(compare);
    count = PAGE;
    draw();
  };

  headers.forEach((header, column) => {
    header.firstElementChild.addEventListener("click", () => {
      const again = sorting.column === column;
      sorting = { column, direction: again ? -sorting.direction : 1 };
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", sorting.direction > 0 ? "ascending" : "descending");
      update();
    });
  });
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(update)); // once the fields are empty
  more.addEventListener("click", () => {
    count += PAGE;
    draw();
    if (more.hidden) body.closest(".table-region").focus(); // the button is gone
  });

  byId("run-fallback").remove();
  byId("run-browser").hidden = false;
  update();
})();
