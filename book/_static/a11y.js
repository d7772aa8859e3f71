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
