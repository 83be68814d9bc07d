"use strict";
(() => {
  const { texts, rows, columns, sections, histories, heading, account, prefix, file } = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const text = (row, column) => texts[row[column]];
  const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const seen = (row, c) => c.date && text(row, C[c.key]) ? dates.format(new Date(text(row, C[c.key]))) : text(row, C[c.key]);
  const make = (name, attributes, ...children) => {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };

  // Commands are there to be pasted. A page opened from a file may have no clipboard: then the command is selected.
  const copying = (code) => {
    const button = make("button", { type: "button", class: "copy" }, "Copy");
    button.setAttribute("aria-label", "Copy: " + code.textContent);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
    });
    return button;
  };
  for (const code of document.querySelectorAll("code.command")) code.after(" ", copying(code));

  if (!at("list")) return;
  const C = Object.fromEntries(columns.map((c, i) => [c.key, i]));
  const shownColumns = columns.filter((c) => c.width);
  const haystack = rows.map((r) => r.map((t) => texts[t]).join("\n").toLowerCase());
  const order = { column: -1, down: false, rows: rows.map((_, i) => i) };
  let shown = order.rows, entries = [];

  // In the report's own order, a tenant with several accounts has a line above them.
  const group = () => {
    entries = [];
    const tenant = (n) => n >= 0 && n < shown.length ? rows[shown[n]][C.section] + " " + rows[shown[n]][C.tenant] : "";
    for (let n = 0; n < shown.length; n++) {
      if (order.column < 0 && tenant(n) !== tenant(n - 1) && tenant(n) === tenant(n + 1)) {
        let last = n;
        while (tenant(last + 1) === tenant(n)) last++;
        entries.push({ row: rows[shown[n]], count: last - n + 1 });
      }
      entries.push(shown[n]);
    }
  };

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
  const sizes = make("colgroup");
  for (const c of shownColumns) {
    sizes.append(make("col", { style: "width:" + c.width, class: c.wide ? "wide" : "narrow" }));
    const button = make("button", { type: "button" }, c.title);
    button.addEventListener("click", () => sort(C[c.key]));
    head.append(make("th", { scope: "col", class: c.wide ? "wide" : "narrow", "data-column": C[c.key] }, button));
  }
  const table = make("table", { "aria-label": heading }, sizes, make("thead", {}, head), top, body, bottom);
  list.append(table);

  const groupLine = ({ row, count }, tr) => {
    const name = text(row, C.name), cell = make("td", { colspan: shownColumns.length, class: "group" });
    cell.append(make("bdi", {}, text(row, C.tenant)), name ? " " : "", make("bdi", {}, name), ": " + count.toLocaleString("en") + " accounts");
    tr.append(cell);
    return tr;
  };
  const line = (i) => {
    const tr = make("tr", { "aria-rowindex": i + 2 });
    if (typeof entries[i] === "object") return groupLine(entries[i], tr);
    const row = rows[entries[i]];
    shownColumns.forEach((c, n) => {
      const value = seen(row, c);
      const cell = make(n ? "td" : "th", { class: c.wide ? "wide" : "narrow" });
      if (n) cell.append(make("bdi", {}, value));
      else {
        cell.setAttribute("scope", "row");
        cell.append(make("button", { type: "button", class: "open", "data-row": entries[i] }, value));
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
    const last = Math.min(entries.length, all || first + Math.ceil(list.clientHeight / height) + 20);
    if (!anew && first === from && last === to) return;
    [from, to] = [first, last];
    const focused = document.activeElement?.dataset?.row;
    const lines = [];
    for (let i = first; i < last; i++) lines.push(line(i));
    body.replaceChildren(...lines);
    spacer(top, first * height);
    spacer(bottom, all ? 0 : (entries.length - last) * height);
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
    group();
    table.setAttribute("aria-rowcount", entries.length + 1);
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

  const url = (row) => account.replace(/\{(account_id|tenant_id)\}/g, (_, name) => encodeURIComponent(text(row, name === "account_id" ? C.account : C.tenant)));

  // The same cells as accounts.csv has: text, whatever a spreadsheet takes for a formula.
  const cell = (value) => '"' + value.replace(/(^|[;\t\r\n|])(?=[ \u00a0"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])/g, "$1'").replaceAll('"', '""') + '"';
  at("csv").addEventListener("click", () => {
    const lines = [columns.map((c) => c.title), ...shown.map((i) => columns.map((c) => text(rows[i], C[c.key])))];
    const blob = new Blob([lines.map((l) => l.map(cell).join(",") + "\r\n").join("")], { type: "text/csv" });
    const link = make("a", { href: URL.createObjectURL(blob), download: file });
    link.click();
    URL.revokeObjectURL(link.href);
  });

  const dialog = at("account");
  const open = (i) => {
    const row = rows[i], id = text(row, C.account), facts = make("dl"), parts = [];
    for (const c of columns) if (c.key !== "account" && text(row, C[c.key])) facts.append(make("dt", {}, c.title), make("dd", {}, make("bdi", {}, seen(row, c))));
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
    const title = make("h2", { id: "account-id", tabindex: "-1", autofocus: "" }, id);
    const links = account ? [make("p", {}, make("a", { href: url(row), rel: "noreferrer" }, "Open this account in the product"))] : [];
    const code = make("code", { class: "command" }, prefix + "mailaudit explain " + id);
    dialog.replaceChildren(make("header", {}, title, shut), ...links, facts, ...parts,
      make("p", {}, "Every run, with the rule and guard that decided: ", code, " ", copying(code)));
    dialog.showModal();
    title.focus();
    dialog.scrollTop = 0;
  };
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  body.addEventListener("click", (e) => { const b = e.target.closest("[data-row]"); if (b) open(Number(b.dataset.row)); });

  // #new, #open … choose a list, #provider=Google and #verdict=… a row of the tables above.
  const follow = () => {
    const [key, value] = decodeURIComponent(location.hash.slice(1)).split("=", 2);
    const list = key in sections && !value;
    const select = list ? filters.section : filters[key], wanted = list ? sections[key] : texts.indexOf(value || "");
    if (!select || wanted < 0) return;
    for (const s of Object.values(filters)) s.value = "";
    select.value = String(wanted);
    filter();
    at("findings").scrollIntoView();
  };
  for (const link of document.querySelectorAll("[data-filter]")) {
    link.addEventListener("click", (e) => {
      e.preventDefault();
      location.hash = encodeURIComponent(link.dataset.filter);
      follow();
    });
  }
  let waiting = false;
  list.addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
  }, { passive: true });
  at("q").addEventListener("input", () => filter(true));
  addEventListener("hashchange", follow);
  addEventListener("resize", () => draw(true));
  addEventListener("beforeprint", () => draw(true, Math.min(entries.length, 500)));
  addEventListener("afterprint", () => draw(true));
  filter();
  follow();
})();
