// Sorting, filters, theme, figures and copying. Every table and text stands in the page without it.
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

  // sorting: the head's text becomes a button, so that it can be reached by keyboard
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  const valueOf = (row, column) => {
    const text = row.cells[column].dataset.value;
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
    // what is empty comes last, whichever way
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

  // filters: an attribute that is empty fits everything, as printed rows have no split
  const form = document.getElementById("filters");
  const fits = (one, wanted, names) => names.every((name) => {
    const own = one.dataset[name];
    return !wanted[name] || !own || own === wanted[name];
  });
  const named = (one, wanted) => !wanted.method || (one.dataset.method || "").toLowerCase().includes(wanted.method);
  const kind = document.getElementById("kind");
  const PLACE = ["dataset", "split", "track"];
  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    wanted.method = wanted.method.trim().toLowerCase();
    let rows = 0;
    let total = 0;
    for (const group of all(".group")) {
      const here = fits(group, wanted, PLACE);
      let left = 0;
      for (const row of all("tbody tr", group)) {
        row.hidden = !named(row, wanted);
        left += !row.hidden;
        total += 1;
      }
      group.hidden = !here || !left;
      if (here) rows += left;
    }
    // the card of a table goes with it
    for (const one of all(".card")) one.hidden = document.querySelector(one.querySelector("h3 a").hash).hidden;
    if (kind) {
      for (const one of all(".drawing")) one.hidden = !fits(one, { ...wanted, kind: kind.value }, [...PLACE, "kind"]);
      document.getElementById("no-figure").hidden = all(".drawing:not([hidden])").length > 0;
    }
    for (const one of all(".recipe, #failures tr[data-method], #failures li[data-method]")) {
      one.hidden = !fits(one, wanted, PLACE) || !named(one, wanted);
    }
    // a head without rows says nothing
    for (const one of all("#failures .listed")) one.hidden = !all("[data-method]:not([hidden])", one).length;
    const silent = document.getElementById("no-failure");
    if (silent) silent.hidden = !silent.previousElementSibling.hidden;
    document.getElementById("shown").value = `${rows} of ${total} rows`;
    document.getElementById("nothing").hidden = rows > 0;
    document.dispatchEvent(new CustomEvent("filtered", { detail: wanted }));
  };
  form.addEventListener("input", filter);
  kind?.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  // the viewer listens from its own script, which comes later
  addEventListener("DOMContentLoaded", filter);

  document.getElementById("all-columns").addEventListener("change", (event) => {
    root.classList.toggle("all-columns", event.target.checked);
  });

  // a link to something folded up opens it
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // figures
  const enlarged = document.getElementById("enlarged");
  for (const press of all(".picture")) {
    press.addEventListener("click", () => {
      const small = press.querySelector("img");
      const large = enlarged.querySelector("img");
      large.src = small.src;
      large.alt = small.alt;
      enlarged.showModal();
    });
  }
  enlarged?.addEventListener("click", (event) => { if (event.target === enlarged) enlarged.close(); });

  // commands
  const copy = async (text, code) => {
    try {
      await navigator.clipboard.writeText(text);
      return "Copied";
    } catch {
      // no clipboard for local files: the text is marked instead
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
  // everything is on paper
  const folded = [];
  addEventListener("beforeprint", () => all("details:not([open])").forEach((one) => { folded.push(one); one.open = true; }));
  addEventListener("afterprint", () => folded.splice(0).forEach((one) => { one.open = false; }));
})();
