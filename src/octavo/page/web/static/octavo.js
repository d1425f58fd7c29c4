// What the page does better with a script than without: copying, drawing, votes that one has cast, the key "/".
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

  // A sheet to draw on: what stands on it becomes the file of the field beside it, as if it had been chosen.
  const sheets = (root) => {
    for (const sheet of root.querySelectorAll(".sheet[hidden]")) {
      sheet.hidden = false;
      const canvas = sheet.querySelector("canvas");
      const field = document.getElementById(sheet.dataset.file);
      const ink = canvas.getContext("2d", { willReadFrequently: true });
      let at = null;
      let blank;
      const clear = () => {
        blank = true;
        ink.fillStyle = "#fff";
        ink.fillRect(0, 0, canvas.width, canvas.height);
        Object.assign(ink, { lineWidth: Number(sheet.dataset.pen), lineCap: "round", lineJoin: "round" });
      };
      const place = (event) => {
        const box = canvas.getBoundingClientRect();
        return [
          (event.clientX - box.left - canvas.clientLeft) * canvas.width / canvas.clientWidth,
          (event.clientY - box.top - canvas.clientTop) * canvas.height / canvas.clientHeight,
        ];
      };
      const line = (to) => {
        ink.beginPath();
        ink.moveTo(...at);
        ink.lineTo(...to);
        ink.stroke();
        at = to;
      };
      canvas.addEventListener("pointerdown", (event) => {
        if (!event.isPrimary || event.button !== 0) return;
        event.preventDefault();
        canvas.setPointerCapture(event.pointerId);
        if (blank) {
          for (const [name, value] of Object.entries(JSON.parse(sheet.dataset.sets))) {
            field.form.elements.namedItem(name).value = value;
          }
        }
        blank = false;
        at = place(event);
        line(at);
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!at || !event.isPrimary) return;
        const between = event.getCoalescedEvents?.() || [];
        for (const each of between.length ? between : [event]) line(place(each));
      });
      // It comes after the pen is lifted as well as when the system takes it away.
      canvas.addEventListener("lostpointercapture", () => {
        if (!at) return;
        at = null;
        const written = atob(canvas.toDataURL("image/png").split(",")[1]);
        const chosen = new DataTransfer();
        chosen.items.add(new File([Uint8Array.from(written, (each) => each.charCodeAt(0))], "drawing.png", { type: "image/png" }));
        field.files = chosen.files;
      });
      field.addEventListener("change", clear);
      sheet.querySelector("button").addEventListener("click", () => {
        clear();
        field.value = "";
      });
      clear();
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
    sheets(event.target.parentElement || document);
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
  sheets(document);
  ownVotes();
})();
