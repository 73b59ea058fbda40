// Nothing to run. A script that is deferred and blocks rendering is what the browser's first picture of a page waits for,
// and deferred scripts wait until all of the page has come: a page that is painted in part would move when the rest does.
"use strict";
