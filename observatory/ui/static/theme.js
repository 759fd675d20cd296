// Sets the chosen theme before the first paint. Not a module, because modules are deferred.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be blocked; the system's theme is used.
  }
})();
