// What the page does better with a script than without: copying, votes that one has cast, the key "/".
(() => {
  const copyButtons = (root) => {
    for (const button of root.querySelectorAll("button[data-copy][hidden]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const label = button.textContent;
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
        setTimeout(() => { button.textContent = label; }, 1500);
      });
    }
  };

  // Lists are the same for everybody; which votes are one's own is said once, beside them.
  const results = document.getElementById("results");
  const own = new Set((results?.dataset.voted || "").split(" ").filter(Boolean));
  const ownVotes = () => {
    for (const button of results?.querySelectorAll("button.vote") || []) {
      if (own.has(button.dataset.paper) && button.getAttribute("aria-pressed") !== "true") {
        button.setAttribute("aria-pressed", "true");
        button.setAttribute("hx-vals", JSON.stringify({ paper: button.dataset.paper, withdraw: "1" }));
      }
    }
  };
  document.addEventListener("htmx:afterRequest", (event) => {
    const { pathInfo, successful, requestConfig } = event.detail;
    if (pathInfo.requestPath !== "/votes" || !successful) return;
    const { paper, withdraw } = requestConfig.parameters;
    if (withdraw === "1") own.delete(paper);
    else own.add(paper);
  });

  // The number under a slider follows it.
  document.addEventListener("input", (event) => {
    const told = event.target.matches?.("input[type=range]") && event.target.parentElement.querySelector("output");
    if (told) told.value = event.target.value;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    copyButtons(event.target.parentElement || document);
    ownVotes();
  });
  // An answer that is no success is told, not swallowed.
  document.addEventListener("htmx:responseError", (event) => {
    const told = document.createElement("p");
    told.className = "error";
    told.setAttribute("role", "alert");
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    told.textContent = page.querySelector("main p")?.textContent || "That did not work.";
    document.querySelector("p.error[data-told]")?.remove();
    told.dataset.told = "1";
    (document.getElementById("shown") || document.getElementById("content")).prepend(told);
  });
  // Fields left as they are do not belong into an address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get" || event.detail.path !== "/") return;
    const usual = { sort: "trending" };
    for (const [name, value] of Object.entries(event.detail.parameters)) {
      if (value === "" || usual[name] === value) delete event.detail.parameters[name];
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    }
  });
  // Titles that have the words typed so far; the search itself does not wait for them.
  const field = document.getElementById("q");
  const titles = document.getElementById("titles");
  let waiting;
  let asking;
  field?.addEventListener("input", () => {
    clearTimeout(waiting);
    asking?.abort();
    const typed = field.value.trim();
    if (typed.length < 3) { titles.replaceChildren(); return; }
    waiting = setTimeout(async () => {
      asking = new AbortController();
      try {
        const answer = await fetch(`/complete?q=${encodeURIComponent(typed)}`, { signal: asking.signal });
        if (!answer.ok) return;
        titles.replaceChildren(...(await answer.json()).map((title) => new Option("", title)));
      } catch { /* asked again already, or no network: the search box works all the same */ }
    }, 150);
  });
  copyButtons(document);
  ownVotes();
})();
