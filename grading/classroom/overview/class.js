"use strict";
(() => {
  const table = document.getElementById("rows");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.querySelectorAll("thead th[data-key]")];
  const search = document.getElementById("search");
  const section = document.getElementById("section");
  const order = document.getElementById("order");
  const shown = document.getElementById("shown");
  const words = new Map(rows.map((row) => [row, row.textContent.toLocaleLowerCase()]));
  const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

  const value = (row, key) => {
    if (/^t\d+$/.test(key)) {
      const cell = row.querySelectorAll("td.cell")[Number(key.slice(1))];
      return cell && cell.textContent !== "" ? Number(cell.textContent) : -1;
    }
    return ["total", "before", "late"].includes(key) ? Number(row.dataset[key]) : row.dataset[key];
  };

  const sort = (key, down) => {
    const by = (a, b) => {
      const [x, y] = [value(a, key), value(b, key)];
      return (typeof x === "number" ? x - y : compare(x, y)) * (down ? -1 : 1) || compare(a.dataset.name, b.dataset.name);
    };
    body.append(...[...rows].sort(by));
    for (const head of heads) {
      if (head.dataset.key === key) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };

  const filter = () => {
    const wanted = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = words.get(row);
      const fits = wanted.every((word) => text.includes(word)) && (!section || !section.value || row.dataset.section === section.value);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shown.textContent = `${count} of ${rows.length} rows`;
  };

  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => sort(head.dataset.key, head.getAttribute("aria-sort") === "ascending"));
  }
  order.addEventListener("change", () => sort(order.value.replace("-", ""), order.value.startsWith("-")));
  search.addEventListener("input", filter);
  if (section) section.addEventListener("change", filter);
  search.form.addEventListener("submit", (event) => event.preventDefault());
})();
