// Tables that sort, filter and move by keyboard, and the map beside them. Rows come from the server and stay rows: a
// browser scrolls thousands of them, and everything works without this script but sorting, filtering and zooming.
"use strict";

const text = (cell) => cell.dataset.v ?? cell.textContent.trim();

function grid(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const found = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const panel = document.querySelector(`[data-grid-filters="${table.id}"]`);
  const selects = [...panel.querySelectorAll("select[data-column]")];
  const least = [...panel.querySelectorAll("input[data-column]")]; // in points of 100, or percent
  const search = panel.querySelector("[data-search]");
  panel.hidden = false;
  const more = panel.querySelector("[data-more]"); // on a narrow screen the filters wait behind it
  more.addEventListener("click", () => more.setAttribute("aria-expanded", panel.classList.toggle("more")));

  // Tab goes to one row: the one that had the focus last, or the first.
  let current;
  const reached = (row, is) => { for (const stop of row.querySelectorAll("a, input")) stop.tabIndex = is ? 0 : -1; };
  function turn(row) {
    if (current) reached(current, false);
    if (row) reached(row, true);
    current = row;
  }
  for (const row of rows) reached(row, false);
  body.addEventListener("focusin", (event) => turn(event.target.closest("tr")));

  for (const select of selects) {
    const values = new Set(rows.map((row) => text(row.cells[select.dataset.column])));
    for (const value of [...values].sort()) {
      const said = value === "" ? "–" : value;
      select.add(new Option(said, value === "" ? "\u0000" : value));
    }
    if (values.size < 2) select.parentElement.hidden = true;
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((s) => s.value !== "").map((s) => [s.dataset.column, s.value === "\u0000" ? "" : s.value]);
    const limits = least.filter((s) => s.value !== "").map((s) => [s.dataset.column, s.valueAsNumber]);
    const shown = new Set();
    for (const row of rows) {
      const fits = words.every((w) => found.get(row).includes(w)) && wanted.every(([c, v]) => text(row.cells[c]) === v)
        && limits.every(([c, v]) => Math.round(1000 * text(row.cells[c])) / 10 >= v);
      row.hidden = !fits;
      if (fits) shown.add(row.dataset.row);
    }
    panel.querySelector("[data-shown]").textContent = shown.size;
    panel.querySelector("[data-all]").textContent = rows.length;
    if (!current || current.hidden) turn(rows.find((row) => !row.hidden));
    document.dispatchEvent(new CustomEvent("grid:shown", { detail: shown }));
  }

  function sort(column) {
    const head = heads[column];
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numbers = rows.every((row) => text(row.cells[column]) === "" || !isNaN(text(row.cells[column])));
    const order = new Intl.Collator(document.documentElement.lang, { numeric: true });
    const keys = new Map(rows.map((row) => [row, text(row.cells[column])]));
    const compare = numbers ? (a, b) => keys.get(a) - keys.get(b) : (a, b) => order.compare(keys.get(a), keys.get(b));
    rows.sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
    body.append(...rows);
    turn(rows.find((row) => !row.hidden));
  }

  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sorts";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(column));
  });

  const show = (box) => { for (const row of table.rows) row.cells[box.dataset.shows].hidden = !box.checked; };
  for (const box of panel.querySelectorAll("[data-shows]")) {
    if ("wide" in box.dataset && matchMedia(`(max-width: ${box.dataset.wide}rem)`).matches) box.checked = false;
    else box.checked = "always" in box.dataset || !rows.length || rows.some((row) => text(row.cells[box.dataset.shows]) !== "");
    if (!box.checked) show(box);
  }
  panel.addEventListener("input", (event) => {
    const box = event.target.closest("[data-shows]");
    if (box) show(box);
    else filter();
  });

  // Down goes from the region of the table to its first row.
  table.parentElement.addEventListener("keydown", (event) => {
    const first = rows.find((row) => !row.hidden);
    if (event.key !== "ArrowDown" || event.target !== table.parentElement || !first) return;
    first.querySelector("th a").focus();
    event.preventDefault();
  });

  // Up and down go from row to row; the letter x ticks the row; Enter opens it, wherever in the row the focus is.
  body.addEventListener("keydown", (event) => {
    const row = event.target.closest("tr");
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step) {
      let next = row[step];
      while (next && next.hidden) next = next[step];
      if (next) next.querySelector(event.target.type === "checkbox" ? "input" : "th a").focus();
      event.preventDefault();
    } else if (event.key === "Enter") {
      row.querySelector("th a").click();
      event.preventDefault();
    } else if (event.key === "x" && row.querySelector("input")) {
      row.querySelector("input").click();
    }
  });

  // A guest that is dragged onto another pair: what it costs to give it that host, at once.
  let dragged;
  const onto = (event) => {
    const row = event.target.closest("tr[data-about]");
    for (const other of body.querySelectorAll(".onto")) other.classList.remove("onto");
    return dragged && row && row.cells[3].textContent !== dragged.cells[3].textContent ? row : null;
  };
  body.addEventListener("dragstart", (event) => { dragged = event.target.closest("tr[data-about]"); });
  body.addEventListener("dragend", (event) => { onto(event); dragged = null; });
  body.addEventListener("dragover", (event) => {
    const row = onto(event);
    if (!row) return;
    event.preventDefault();
    row.classList.add("onto");
  });
  body.addEventListener("drop", (event) => {
    const row = onto(event);
    if (!row) return;
    event.preventDefault();
    const asked = new URLSearchParams({ guest: dragged.dataset.about.split(" ")[0], host: row.dataset.about.split(" ")[1] });
    htmx.ajax("GET", `${document.getElementById("price").dataset.ask}&${asked}`, { source: "#price", target: "#price" });
  });

  const all = table.querySelector("[data-tick-all]");
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const row of rows) if (!row.hidden) row.querySelector("[name=pair]").checked = all.checked;
    });
  }
  filter();
}

const LETTERING = 10.5; // pixels

function map(figure) {
  const svg = figure.querySelector("svg");
  const whole = svg.getAttribute("viewBox").split(" ").map(Number);
  let box = [...whole];
  const named = figure.querySelector("[data-named]");
  const usual = named.textContent;
  const marks = [...svg.querySelectorAll("[data-x]")];
  const labels = [...svg.querySelectorAll(".labels text")];
  const lettering = Number(svg.querySelector(".labels").getAttribute("font-size"));
  const show = () => svg.setAttribute("viewBox", box.join(" "));

  // Marks and lettering keep their size on the screen; of labels that lie over each other the first one stays.
  function fit() {
    const k = LETTERING / (lettering * svg.getScreenCTM().a);
    for (const mark of marks) mark.setAttribute("transform", `translate(${mark.dataset.x * (1 - k)} ${mark.dataset.y * (1 - k)}) scale(${k})`);
    for (const label of labels) label.classList.remove("over");
    const free = [];
    const map = svg.getBoundingClientRect();
    const rects = labels.map((label) => label.getBoundingClientRect());
    labels.forEach((label, n) => {
      const r = rects[n];
      const over = r.left < map.left || r.right > map.right || free.some((f) => r.left < f.right && f.left < r.right && r.top < f.bottom && f.top < r.bottom);
      label.classList.toggle("over", over);
      if (!over && r.width) free.push(r);
    });
  }

  function zoom(factor, x = box[0] + box[2] / 2, y = box[1] + box[3] / 2) {
    const width = Math.min(whole[2], Math.max(whole[2] / 20, box[2] * factor));
    const part = width / box[2];
    box = [x - (x - box[0]) * part, y - (y - box[1]) * part, width, box[3] * part];
    if (width === whole[2]) box = [...whole];
    svg.classList.toggle("zoomed", width < whole[2]);
    show();
    fit();
  }

  function pan(dx, dy) {
    box[0] = Math.min(whole[0] + whole[2] - box[2], Math.max(whole[0], box[0] + dx));
    box[1] = Math.min(whole[1] + whole[3] - box[3], Math.max(whole[1], box[1] + dy));
    show();
  }

  const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  figure.querySelector(".zoom").hidden = false;
  figure.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) button.dataset.zoom === "0" ? zoom(99) : zoom(Number(button.dataset.zoom));
  });
  figure.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (x === undefined) return;
    event.preventDefault();
    pan(x * box[2] / 8, y * box[3] / 8);
  });
  svg.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && box[2] === whole[2] && event.deltaY > 0) return;
    event.preventDefault();
    const point = at(event);
    zoom(event.deltaY > 0 ? 1.2 : 0.83, point.x, point.y);
  }, { passive: false });
  let from = null;
  let moved = false;
  svg.addEventListener("pointerdown", (event) => { from = at(event); moved = false; });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const point = at(event);
    if (Math.hypot(point.x - from.x, point.y - from.y) > box[2] / 200) moved = true;
    pan(from.x - point.x, from.y - point.y);
  });
  svg.addEventListener("click", (event) => { if (moved) event.preventDefault(); });
  svg.addEventListener("dragstart", (event) => event.preventDefault());

  function name(id) {
    for (const tie of svg.querySelectorAll(".ties a")) tie.classList.toggle("named", tie.dataset.pair === id);
    const tie = id && svg.querySelector(`.ties a[data-pair="${CSS.escape(id)}"]`);
    named.textContent = tie ? tie.getAttribute("aria-label") : usual;
  }
  for (const what of ["pointerover", "focusin"]) {
    document.addEventListener(what, (event) => {
      const tie = event.target.closest("[data-pair]");
      const row = event.target.closest("tr[data-row]");
      if (tie || row) name(tie ? tie.dataset.pair : row.dataset.row);
    });
  }
  document.addEventListener("grid:shown", ({ detail: shown }) => {
    for (const tie of svg.querySelectorAll("[data-pair]")) tie.toggleAttribute("hidden", !shown.has(tie.dataset.pair));
    for (const dot of svg.querySelectorAll("[data-pairs]")) {
      dot.toggleAttribute("hidden", !dot.dataset.pairs.split(" ").some((id) => shown.has(id)));
    }
    fit();
  });
  new ResizeObserver(fit).observe(svg);
  addEventListener("beforeprint", () => { // on paper they stand as they came
    for (const mark of marks) mark.removeAttribute("transform");
    for (const label of labels) label.classList.remove("over");
  });
  addEventListener("afterprint", fit);
}

document.querySelectorAll("[data-map]").forEach(map);
document.querySelectorAll("table[data-grid]").forEach(grid);
