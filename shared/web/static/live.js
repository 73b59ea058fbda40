// Keeps what a page shows right while the page is looked at. Without this script the page is as it was loaded.
//
// <div data-live="/stream?since=…" data-live-lost="…" data-hx-trigger="changed" …>: when the server says "changed",
// htmx asks for the page again. A hidden tab lets go of its stream: browsers open six connections to a site, and every
// open tab would hold one. Coming back it opens another, which is told at once what it may have missed.
"use strict";

const AGAIN = 10_000; // milliseconds
const LOST = 3; // tries that failed in a row

function keep(region) {
  let stream = null;
  let failed = 0;
  let later = 0;

  function open() {
    stream = new EventSource(region.dataset.live);
    stream.addEventListener("open", () => { failed = 0; });
    stream.addEventListener("changed", () => htmx.trigger(region, "changed"));
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      failed += 1;
      if (failed === LOST) say();
      else later = setTimeout(open, AGAIN);
    });
  }

  function close() {
    clearTimeout(later);
    stream.close();
  }

  function say() {
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.setAttribute("role", "status");
    notice.textContent = region.dataset.liveLost;
    region.before(notice);
  }

  if (!document.hidden) open();
  document.addEventListener("visibilitychange", () => {
    if (stream) close();
    if (!document.hidden && failed < LOST) open();
  });
  window.addEventListener("pagehide", () => { if (stream) close(); });
}

document.querySelectorAll("[data-live]").forEach(keep);
