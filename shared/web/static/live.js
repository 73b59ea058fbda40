// Keeps what a page shows right while the page is looked at. Without this script the page is as it was loaded.
//
// <div data-live="/stream?since=…" data-live-lost="…" data-hx-trigger="changed" …>: when the server says "changed",
// htmx asks for the page again. A hidden tab lets go of its stream: browsers open six connections to a site, and every
// open tab would hold one. Coming back it opens another, which is told at once what it may have missed. What fails is
// tried again, a few times; then the page says that it no longer follows.
"use strict";

const AGAIN = 10_000; // milliseconds
const LOST = 3; // tries that failed in a row

function keep(region) {
  let stream = null;
  let failed = 0; // in a row
  let later = 0;

  function again(what) {
    clearTimeout(later);
    failed += 1;
    if (failed === LOST) giveUp();
    else later = setTimeout(what, AGAIN);
  }

  const renew = () => htmx.trigger(region, "changed");

  function open() {
    stream = new EventSource(region.dataset.live);
    stream.addEventListener("open", () => { failed = 0; });
    stream.addEventListener("changed", renew);
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) again(open); // else the browser tries again by itself
    });
  }

  function close() {
    clearTimeout(later);
    stream.close();
  }

  function giveUp() {
    close();
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.textContent = region.dataset.liveLost;
    region.before(notice);
  }

  for (const missed of ["htmx:responseError", "htmx:sendError"]) {
    region.addEventListener(missed, ({ detail }) => {
      if (detail.elt !== region || failed >= LOST) return;
      if (stream.readyState === EventSource.OPEN) again(renew); // one that opens anew asks for it anyway
    });
  }
  region.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.elt === region && detail.successful) failed = 0;
  });

  if (!document.hidden) open();
  document.addEventListener("visibilitychange", () => {
    if (stream) close();
    if (!document.hidden && failed < LOST) open();
  });
  window.addEventListener("pagehide", () => { if (stream) close(); });
}

document.querySelectorAll("[data-live]").forEach(keep);
