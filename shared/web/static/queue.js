// The queue of cases: keys in the list, "select all", how many are selected, and selections that outlive "Show it".
// Without it every case is reached by Tab, selected by its box and opened by its link.

const KEPT = "queue-selection";
const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

const list = document.getElementById("queue-list");
const bulk = document.getElementById("bulk");
const all = document.getElementById("select-all");

const boxes = () => [...list.querySelectorAll('input[name="registration_id"]')];
const chosen = () => boxes().filter((box) => box.checked);

function count() {
  const [many, most] = [chosen().length, boxes().length];
  document.getElementById("selected").value = many;
  all.checked = many === most;
  all.indeterminate = many > 0 && many < most;
}

function go(from, step) {
  const rows = [...list.querySelectorAll("tbody tr")];
  const row = from.closest("tbody tr");
  const next = row ? rows[rows.indexOf(row) + step] : rows[0];
  next?.querySelector(from.matches("a") ? "a" : "input").focus();
}

function select(box) {
  box.checked = !box.checked;
  count();
}

function press(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const { key, target } = event;
  const row = target.closest("tbody tr");
  if (key in STEPS) {
    go(target, STEPS[key]);
  } else if (row && (key === "x" || (key === " " && !target.matches("input")))) {
    select(row.querySelector("input"));
  } else if (row && key === "Enter" && !target.matches("a")) {
    row.querySelector("a").click();
  } else {
    return;
  }
  event.preventDefault();
}

// Only for the page that this tab is about to show: a link opened elsewhere leaves this one and its boxes as they are.
function keep(event) {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.shiftKey || event.metaKey || event.altKey) return;
  const ids = chosen().map((box) => box.value);
  sessionStorage.setItem(KEPT, JSON.stringify({ at: link.href, ids, note: bulk.note.value }));
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (kept?.at !== location.href) return;
  for (const box of boxes()) box.checked ||= kept.ids.includes(box.value);
  bulk.note.value ||= kept.note;
}

if (list && bulk) {
  restore();
  list.addEventListener("keydown", press);
  list.addEventListener("change", count);
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    count();
  });
  document.getElementById("queue-news").addEventListener("click", keep);
  window.addEventListener("pageshow", count); // a browser that goes back remembers boxes
}

// What the status line says already is not said again.
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.textContent === detail.fragment.textContent) detail.shouldSwap = false;
});
