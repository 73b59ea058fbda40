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
  let searched = false;

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

  // A renewal that waits for a search to end asks for what was searched, not for what was shown before.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id === "customers") event.detail.path = location.pathname + location.search;
  });

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    searched = event.detail.xhr.status === 200 && event.target.matches(".toolbar");
    if (!searched) return;
    const page = new DOMParser().parseFromString(event.detail.xhr.response, "text/html");
    const address = page.querySelector("[data-address]")?.dataset.address;
    if (address) follow(address);
  });

  // How far the table was scrolled sideways.
  let left = 0;
  const table = () => document.getElementById("rows");
  document.addEventListener("htmx:beforeSwap", () => { left = table()?.scrollLeft ?? 0; });
  document.addEventListener("htmx:afterSwap", () => { if (left && table()) table().scrollLeft = left; });

  // A search without an answer is asked for as a page of its own, which says what is the matter: signed out, for one.
  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failed, (event) => {
      if (event.target.matches(".toolbar")) event.target.submit();
    });
  }

  document.addEventListener("htmx:afterSettle", () => {
    const changed = rows().filter((row) => {
      const was = before.get(nameOf(row).id);
      return was !== undefined && was !== statusOf(row);
    });
    before = statuses();
    if (changed.length) tell(changed);
    else if (searched) document.getElementById("news").textContent = document.querySelector("[data-said]").dataset.said;
    searched = false;
  });
}
