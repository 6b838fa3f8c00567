// Runs in every page of the app before Streamlit does: what Streamlit keeps by page is kept for the app.
(() => {
  // The theme: dark until another is chosen in the menu, and then that one on every page. Streamlit remembers the
  // choice for the address that was opened first alone.
  const kept = "candorTheme", own = `stActiveTheme-${location.pathname}-v2`;
  const isJson = text => { try { return text !== null && Boolean(JSON.parse(text)); } catch { return false; } };
  const stored = localStorage.getItem(kept);
  const theme = isJson(stored) ? stored : '"Dark"';  // Streamlit leaves the page blank where it cannot read it
  localStorage.setItem(own, theme);
  let last = theme;
  const keep = () => {
    const now = localStorage.getItem(own);
    if (now && now !== last) localStorage.setItem(kept, last = now);
  };
  addEventListener("pagehide", keep);
  addEventListener("click", () => setTimeout(keep, 500), true);

  // One step back is one page, or one sample. Streamlit makes an entry of the history for each change of the address.
  const push = history.pushState.bind(history), sampleOf = url => new URL(url, location).searchParams.get("sample");
  let sample = sampleOf(location.href);
  history.pushState = (state, title, url) => {
    const samePage = new URL(url, location).pathname === location.pathname, next = sampleOf(url);
    if (samePage && next === sample) {
      history.replaceState(state, title, url);
    } else {
      push(state, title, url);
      if (samePage) sample = next;
    }
  };
  // The server follows the address where it says so, and nowhere else: else it could not tell a step back from an
  // answer that crossed with its own.
  addEventListener("popstate", () => {
    sample = sampleOf(location.href);
    const url = new URL(location.href);
    url.searchParams.set("back", Date.now().toString(36));
    history.replaceState(history.state, "", url);
  });

  // Uploads go with the page: ask before it is left. The worklist rail counts them.
  addEventListener("beforeunload", event => { if (globalThis.candorUploads) event.preventDefault(); });
})();
