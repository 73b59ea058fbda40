// The list of customers while it is open. Without this script all of it works, page by page.
// - The address bar, and the way back of the language switch, follow what is searched.
// - A status that changed is marked for a moment, and said by a screen reader.
"use strict";

{
  const MARKED = 4000; // milliseconds
  const MOST_SAID = 3;

  const rows = () => [...document.querySelectorAll("#customers tbody tr")];
  const nameOf = (row) => row.querySelector("th a");
  const statusOf = (row) => [...row.querySelectorAll(".status")].map((it) => it.innerText).join(", ");
  const statuses = () => new Map(rows().map((row) => [nameOf(row).id, statusOf(row)]));

  let before = statuses();

  const follow = (address) => {
    history.replaceState(null, "", address);
    for (const field of document.querySelectorAll('input[name="back"]')) field.value = address;
  };

  const tell = (changed) => {
    const said = changed.slice(0, MOST_SAID).map((row) => `${nameOf(row).innerText}: ${statusOf(row)}`);
    document.getElementById("news").textContent = said.join(". ") + (changed.length > MOST_SAID ? " …" : "");
    for (const row of changed) {
      row.classList.add("changed");
      setTimeout(() => row.classList.remove("changed"), MARKED);
    }
  };

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "customers") event.detail.path = location.pathname + location.search;
  });

  document.addEventListener("htmx:afterSettle", () => {
    const address = document.querySelector("[data-address]")?.dataset.address;
    if (address && address !== location.pathname + location.search) follow(address);
    const changed = rows().filter((row) => {
      const was = before.get(nameOf(row).id);
      return was !== undefined && was !== statusOf(row);
    });
    before = statuses();
    if (changed.length) tell(changed);
  });
}
