// Theme, sorting, hidden columns and copying. Tables and texts do not depend on it.
"use strict";
(() => {
  const all = (selector, place = document) => [...place.querySelectorAll(selector)];
  const root = document.documentElement;

  // theme
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("fwibench-theme", root.dataset.theme); } catch { /* as in theme.js */ }
    tell();
  });
  system.addEventListener("change", tell);
  tell();

  // sorting: the head's text becomes a button, so that the keyboard reaches it
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const valueOf = (row, column) => {
    // a cell without a value of its own sorts by its text
    const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    if (text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text : number;
  };
  const sort = (table, head) => {
    const body = table.tBodies[0];
    const first = head.dataset.best === "high" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const keyed = [...body.rows].map((row) => [valueOf(row, head.cellIndex), row]);
    // empty values come last in either order
    keyed.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b)));
    body.append(...keyed.map(([, row]) => row));
    all("th[aria-sort]", table.tHead).forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
  };
  for (const table of all("table.board")) {
    for (const head of table.tHead.rows[0].cells) {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => sort(table, head));
    }
  }

  document.getElementById("all-columns")?.addEventListener("change", (event) => {
    root.classList.toggle("all-columns", event.target.checked);
  });

  // commands
  const copy = async (text, code) => {
    try {
      await navigator.clipboard.writeText(text);
      return "Copied";
    } catch {
      // local files have no clipboard: the text is selected instead
      getSelection().selectAllChildren(code);
      return "Press Ctrl+C";
    }
  };
  for (const press of all(".copy")) {
    press.addEventListener("click", async () => {
      const code = press.previousElementSibling;
      press.textContent = await copy(code.textContent, code);
      setTimeout(() => { press.textContent = "Copy"; }, 2000);
    });
  }
})();
