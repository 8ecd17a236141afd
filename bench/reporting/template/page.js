// Sort a table by a click on a column's head: numbers by their first number, anything else as text.
const first = (cell) => {
  const found = cell.textContent.replaceAll(",", "").replaceAll("−", "-").match(/^[<>≥≤ ]*(-?\d+(\.\d+)?(e[+-]?\d+)?)/);
  return found ? Number(found[1]) : NaN;
};
document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
  const head = button.parentElement, table = head.closest("table"), column = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  const order = (a, b) => {
    const x = first(a.cells[column]), y = first(b.cells[column]);
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    const step = Number.isNaN(x) ? a.cells[column].textContent.localeCompare(b.cells[column].textContent) : x - y;
    return down ? -step : step;
  };
  table.tBodies[0].append(...rows.sort(order));
}));
// On a narrow screen the contents start closed; in the margin they mark the section in view.
const contents = document.querySelector("nav details");
if (window.matchMedia("(max-width: 60rem)").matches) contents.open = false;
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const watch = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (!entry.isIntersecting) return;
  links.forEach((link) => link.classList.remove("here"));
  links.get(entry.target.id)?.classList.add("here");
}), { rootMargin: "0px 0px -80% 0px" });
document.querySelectorAll("header, section").forEach((part) => watch.observe(part));
