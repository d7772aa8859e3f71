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
// What scrolls must be reachable by keyboard. Sizes are told, not asked for: to ask would have the browser
// lay out the whole page at once.
const sizes = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
const scrolling = "article div.math, article pre, .cell_output > .output, .pst-scrollable-table-container";
for (const box of document.querySelectorAll(scrolling)) sizes.observe(box);
