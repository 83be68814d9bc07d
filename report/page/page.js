"use strict";
(() => {
  const { texts, rows, columns, sections, histories, heading } = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const text = (row, column) => texts[row[column]];
  const make = (name, attributes, ...children) => {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };
  const C = Object.fromEntries(columns.map((c, i) => [c.key, i]));
  const shownColumns = columns.filter((c) => c.width);
  const haystack = rows.map((r) => r.map((t) => texts[t]).join("\n").toLowerCase());
  const order = { column: -1, down: false, rows: rows.map((_, i) => i) };
  let shown = order.rows;

  // Ranks of the texts, once: sorting 20,000 rows then compares numbers.
  let ranks;
  const rank = () => {
    if (!ranks) {
      const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
      const sorted = texts.map((_, i) => i).sort((a, b) => collator.compare(texts[a], texts[b]) || a - b);
      ranks = new Int32Array(texts.length);
      sorted.forEach((t, i) => { ranks[t] = i; });
    }
    return ranks;
  };

  const list = at("list"), head = make("tr"), top = make("tbody", { "aria-hidden": "true" }), bottom = make("tbody", { "aria-hidden": "true" });
  const body = make("tbody", { class: "rows" });
  const group = make("colgroup");
  for (const c of shownColumns) {
    group.append(make("col", { style: "width:" + c.width, class: c.wide ? "wide" : "narrow" }));
    const button = make("button", { type: "button" }, c.title);
    button.addEventListener("click", () => sort(C[c.key]));
    head.append(make("th", { scope: "col", class: c.wide ? "wide" : "narrow", "data-column": C[c.key] }, button));
  }
  const table = make("table", { "aria-label": heading }, group, make("thead", {}, head), top, body, bottom);
  list.append(table);

  const line = (i) => {
    const row = rows[shown[i]];
    const tr = make("tr", { "aria-rowindex": i + 2 });
    shownColumns.forEach((c, n) => {
      const value = text(row, C[c.key]);
      const cell = make(n ? "td" : "th", { class: c.wide ? "wide" : "narrow" });
      if (n) cell.append(make("bdi", {}, value));
      else {
        cell.setAttribute("scope", "row");
        cell.append(make("button", { type: "button", class: "open", "data-row": shown[i] }, value));
      }
      if (value.length > 12) cell.title = value;
      tr.append(cell);
    });
    return tr;
  };

  let height = 36, from = -1, to = -1;
  const spacer = (part, n) => part.replaceChildren(...(n > 0 ? [make("tr", { style: "height:" + n + "px" })] : []));
  const draw = (anew, all) => {
    const first = all ? 0 : Math.max(0, Math.floor(list.scrollTop / height) - 10);
    const last = Math.min(shown.length, all || first + Math.ceil(list.clientHeight / height) + 20);
    if (!anew && first === from && last === to) return;
    [from, to] = [first, last];
    const focused = document.activeElement?.dataset?.row;
    const lines = [];
    for (let i = first; i < last; i++) lines.push(line(i));
    body.replaceChildren(...lines);
    spacer(top, first * height);
    spacer(bottom, all ? 0 : (shown.length - last) * height);
    if (lines[0] && !all) height = lines[0].offsetHeight || height;
    if (focused) body.querySelector('[data-row="' + focused + '"]')?.focus({ preventScroll: true });
  };

  const filters = { section: at("f-section"), provider: at("f-provider"), verdict: at("f-verdict") };
  for (const [key, select] of Object.entries(filters)) {
    const counts = new Map();
    for (const row of rows) counts.set(row[C[key]], (counts.get(row[C[key]]) || 0) + 1);
    for (const [t, n] of counts) select.append(make("option", { value: t }, texts[t] + " (" + n.toLocaleString("en") + ")"));
    select.addEventListener("change", () => filter());
  }
  let asked = "";
  const filter = (typing) => {
    // What is typed on searches only what is still shown.
    const q = at("q").value.toLowerCase(), base = typing === true && q.startsWith(asked) ? shown : order.rows;
    asked = q;
    const words = q.split(/\s+/).filter(Boolean);
    const wanted = Object.entries(filters).filter(([, s]) => s.value !== "").map(([key, s]) => [C[key], Number(s.value)]);
    shown = base.filter((i) => wanted.every(([c, t]) => rows[i][c] === t) && words.every((w) => haystack[i].includes(w)));
    at("shown").textContent = shown.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " findings";
    table.setAttribute("aria-rowcount", shown.length + 1);
    list.scrollTop = 0;
    draw(true);
  };
  const sort = (column) => {
    order.down = order.column === column && !order.down;
    order.column = column;
    const r = rank(), sign = order.down ? -1 : 1;
    order.rows = rows.map((_, i) => i).sort((a, b) => sign * (r[rows[a][column]] - r[rows[b][column]]) || a - b);
    for (const th of head.children) {
      const mine = Number(th.dataset.column) === column;
      if (mine) th.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    filter();
  };

  const dialog = at("account");
  const open = (i) => {
    const row = rows[i], id = text(row, C.account), facts = make("dl"), parts = [];
    for (const c of columns) if (c.key !== "account" && text(row, C[c.key])) facts.append(make("dt", {}, c.title), make("dd", {}, make("bdi", {}, text(row, C[c.key]))));
    const history = histories[id];
    if (history) {
      const names = ["Night", "Verdict", "Before", "Rule", "What was said"];
      const past = make("table", {},
        make("thead", {}, make("tr", {}, ...names.map((n) => make("th", { scope: "col" }, n)))),
        make("tbody", {}, ...history.map((step) => make("tr", {}, ...step.map((s) => make("td", {}, make("bdi", {}, texts[s])))))));
      const frame = make("section", { class: "scroll", tabindex: "0", "aria-label": "History" });
      frame.append(past);
      parts.push(make("h3", {}, "History"), frame);
      if (!history.length) parts.push(make("p", {}, "No earlier verdict."));
    }
    const shut = make("button", { type: "button" }, "Close");
    shut.addEventListener("click", () => dialog.close());
    dialog.replaceChildren(make("h2", { id: "account-id" }, id), facts, ...parts,
      make("p", {}, "Every night, with the rule and guard that decided: ", make("code", {}, "mailaudit explain " + id)), shut);
    dialog.showModal();
  };
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  body.addEventListener("click", (e) => { const b = e.target.closest("[data-row]"); if (b) open(Number(b.dataset.row)); });

  const follow = () => {
    const section = sections[location.hash.slice(1)];
    if (section === undefined) return;
    filters.section.value = String(section);
    filter();
    at("findings").scrollIntoView();
  };
  let waiting = false;
  list.addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
  }, { passive: true });
  at("q").addEventListener("input", () => filter(true));
  addEventListener("hashchange", follow);
  addEventListener("resize", () => draw(true));
  addEventListener("beforeprint", () => draw(true, Math.min(shown.length, 500)));
  addEventListener("afterprint", () => draw(true));
  filter();
  follow();
})();
