// Repairs of the stock theme that a style sheet cannot make. Each keeps an accessibility rule.
// A label that differs from the visible text hides that text from voice control.
const labelled = "button.search-button-field[aria-label], button.theme-switch-button[aria-label], summary[aria-label]";
for (const element of document.querySelectorAll(labelled)) element.removeAttribute("aria-label");
// Everything on a page should lie in some landmark.
const sidebar = document.getElementById("pst-primary-sidebar");
if (sidebar) {
  sidebar.setAttribute("role", "region");
  sidebar.setAttribute("aria-label", "Book");
}
// What scrolls must be reachable by keyboard. Equations have their width only when they are typeset.
function reachable() {
  for (const box of document.querySelectorAll("article div.math, article pre, .pst-scrollable-table-container")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", async () => {
  if (window.MathJax) await MathJax.startup.promise;
  reachable();
  addEventListener("resize", reachable);
});
