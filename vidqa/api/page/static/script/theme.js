// Runs before the first paint, so that a chosen theme never flashes: "light", "dark" or neither.
(() => {
  const chosen = localStorage.getItem("vidqa-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
