// Runs before anything is drawn: the theme that was chosen last, and the mark that scripts work.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("script");
  let chosen = null;
  try { chosen = localStorage.getItem("fwibench-theme"); } catch { /* storage may be closed to local files */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
