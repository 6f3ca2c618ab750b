// Filters, links and figures. Tables and texts do not depend on it.
"use strict";
(() => {
  const all = (selector, place = document) => [...place.querySelectorAll(selector)];

  // filters: an empty attribute matches every filter, as published rows have no split
  const form = document.getElementById("filters");
  const matches = (one, filters, names) => names.every((name) => {
    const own = one.dataset[name];
    return !filters[name] || !own || own === filters[name];
  });
  const named = (one, filters) => !filters.method || (one.dataset.method || "").toLowerCase().includes(filters.method);
  const kind = document.getElementById("kind");
  const SETTING = ["dataset", "split", "track"];
  const filter = () => {
    const filters = Object.fromEntries(new FormData(form));
    filters.method = filters.method.trim().toLowerCase();
    let rows = 0;
    let total = 0;
    for (const group of all(".group")) {
      const here = matches(group, filters, SETTING);
      let left = 0;
      for (const row of all("tbody tr", group)) {
        row.hidden = !named(row, filters);
        left += !row.hidden;
        total += 1;
      }
      group.hidden = !here || !left;
      if (here) rows += left;
    }
    // the card of a table is hidden with it
    for (const one of all(".card")) one.hidden = document.querySelector(one.querySelector("h3 a").hash).hidden;
    if (kind) {
      for (const one of all(".drawing")) one.hidden = !matches(one, { ...filters, kind: kind.value }, [...SETTING, "kind"]);
      document.getElementById("no-figure").hidden = all(".drawing:not([hidden])").length > 0;
    }
    for (const one of all(".recipe, #failures tr[data-method], #failures li[data-method]")) {
      one.hidden = !matches(one, filters, SETTING) || !named(one, filters);
    }
    // a heading without rows is hidden
    for (const one of all("#failures .listed")) one.hidden = !all("[data-method]:not([hidden])", one).length;
    const silent = document.getElementById("no-failure");
    if (silent) silent.hidden = !silent.previousElementSibling.hidden;
    document.getElementById("shown").value = `${rows} of ${total} rows`;
    document.getElementById("nothing").hidden = rows > 0;
    document.dispatchEvent(new CustomEvent("filtered", { detail: filters }));
  };
  form.addEventListener("input", filter);
  kind?.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  // the viewer's script, which listens, runs later
  addEventListener("DOMContentLoaded", filter);

  // a link to a folded element opens it
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

  // everything is printed
  const folded = [];
  addEventListener("beforeprint", () => all("details:not([open])").forEach((one) => { folded.push(one); one.open = true; }));
  addEventListener("afterprint", () => folded.splice(0).forEach((one) => { one.open = false; }));
})();
