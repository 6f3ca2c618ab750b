// Runs before the page is drawn: applies the last theme, and marks that scripts work.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("script");
  let chosen = null;
  try { chosen = localStorage.getItem("fwibench-theme"); } catch { /* storage may be unavailable to local files */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
