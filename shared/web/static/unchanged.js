// For pages that stay right while they are open: parts in which nothing changed are left alone, so that no reader is
// told anew, no selection is lost and no click goes astray. Without it such parts are put in place again.
"use strict";

// htmx leaves empty classes behind, and drops the space between elements; listing.js marks what changed.
const written = (part) => part?.innerHTML.replaceAll(/ class="(changed)?"/g, "").replace(/>\s+</g, "><").trim();

document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.elt;
  if (!part.hasAttribute("data-live")) return;
  const page = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
  const others = (part.getAttribute("data-hx-select-oob") ?? "").split(",").filter(Boolean);
  const changed = (id) => written(document.getElementById(id)) !== written(page.getElementById(id));
  if (![`#${part.id}`, ...others].some((id) => changed(id.trim().slice(1)))) event.detail.shouldSwap = false;
});
