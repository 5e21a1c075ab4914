// Keeps the run's header in view and brings a person to the card whose turn it is.
// The kernel says what is shown; this script only places, scrolls and focuses.
const HOLD_MS = 1500;
const GAP_PX = 8;
const PERSON = ["wheel", "pointerdown", "keydown", "touchmove"];
const LONG_WAIT_MS = 10000;
const NOTICE = "vergeos-nb-notice";
const FIELDS = "input, select, textarea";

// What scrolls the cells: in JupyterLab and Notebook, in Voilà, or elsewhere the page.
const panelOf = (el) => el.closest(".jp-WindowedPanel-outer, #rendered_cells");
const scrollerOf = (el) => panelOf(el) ?? document.scrollingElement;
const notebookOf = (el) => el.closest(".jp-Notebook") ?? document.body;
const isSeen = (el) => el.getClientRects().length > 0;
const isOff = (el) => el.disabled || el.getAttribute("aria-disabled") === "true";

const litOf = (card) =>
  [...card.querySelectorAll(".vnb-press .vnb-strong, .vnb-press .vnb-danger")].find(isSeen);

const isEmpty = (field) => {
  if (field.type === "radio") return !field.closest(".vnb-wanted").querySelector(":checked");
  return field.type === "checkbox" ? !field.checked : !field.value.trim();
};

// What is asked for next on a card, after an element of it: a field that wants an answer, or its lit button.
const askedOn = (card, after) => {
  const wanted = [...card.querySelectorAll(".vnb-wanted")]
    .map((place) => place.querySelector(FIELDS))
    .filter((field) => field && isSeen(field) && !field.disabled && isEmpty(field));
  const follows = (field) => after.compareDocumentPosition(field) & Node.DOCUMENT_POSITION_FOLLOWING;
  const next = after ? wanted.find(follows) : wanted[0];
  if (next) return next;
  const lit = litOf(card);
  return lit && !isOff(lit) ? lit : (wanted[0] ?? lit);
};

// A notification is asked for by a click only, and kept for this tab.
const wantsNotice = () => window.Notification?.permission === "granted" && sessionStorage.getItem(NOTICE) === "yes";
const showNotice = (button) => {
  const blocked = window.Notification?.permission === "denied";
  button.hidden = !window.Notification;
  button.disabled = blocked || wantsNotice();
  if (blocked) button.textContent = "This browser blocks notifications";
  else button.textContent = wantsNotice() ? "You are notified when it ends" : "Notify me when it ends";
};

const left = (seconds) => {
  if (seconds <= 0) return "over";
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return `${Math.ceil(seconds / 60)} min`;
};

// A moment in the reader's own time, with its day where that is not today.
const localTime = (moment) =>
  moment.toDateString() === new Date().toDateString()
    ? moment.toLocaleTimeString()
    : moment.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

// Times in the page's HTML: left until, and gone since.
const tell = (root) => {
  const now = Date.now() / 1000;
  for (const el of root.querySelectorAll("[data-vnb-until]")) {
    el.textContent = left(Number(el.dataset.vnbUntil) - now);
  }
  for (const el of root.querySelectorAll("[data-vnb-since]")) {
    el.textContent = `${Math.max(0, Math.floor(now - Number(el.dataset.vnbSince)))} s`;
  }
  for (const el of root.querySelectorAll("[data-vnb-notice]")) showNotice(el);
};

// Moments in UTC become the reader's own time, in UTC when hovered. Saved outputs and records keep UTC.
const localTimes = (root) => {
  for (const el of root.querySelectorAll(".vnb-bar time:not([title]), .vnb-card time:not([title])")) {
    el.dateTime ||= el.textContent;
    el.title = `${el.dateTime} (UTC)`;
    el.textContent = localTime(new Date(el.dateTime));
  }
};

function render({ model, el }) {
  const bar = document.createElement("section");
  const said = document.createElement("div");
  bar.className = "vnb-bar";
  bar.setAttribute("aria-label", "This run");
  said.className = "vnb-said";
  said.setAttribute("role", "status");
  el.classList.add("vnb-guide");
  let held = null;

  const show = () => {
    if (bar.innerHTML !== model.get("html")) bar.innerHTML = model.get("html");
    const steps = bar.querySelector("ol");
    const step = bar.querySelector("[aria-current]");
    if (steps && step) steps.scrollLeft = step.offsetLeft - steps.offsetLeft - GAP_PX;
    tell(bar);
    localTimes(notebookOf(el));
  };
  const place = () => {
    const outer = panelOf(el);
    // Not in its own cell, which is out of the page while it is far from what is seen.
    (outer ?? el).prepend(bar, said);
    show();
  };
  const cardOf = (step) => notebookOf(el).querySelector(`.vnb-card.vnb-step-${CSS.escape(step)}`);

  // The card below the header, or, where it is taller than the page, so that what is asked for is seen.
  const bring = (card) => {
    const scroller = scrollerOf(el);
    const page = scroller === document.scrollingElement ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect();
    const top = page.top + (outerBar() ? bar.getBoundingClientRect().height : 0) + GAP_PX;
    const box = card.getBoundingClientRect();
    const asked = askedOn(card)?.getBoundingClientRect() ?? box;
    let by = box.top - top;
    // The line of the step before it stays in view where there is room for both.
    const before = lineBefore(card);
    if (before && box.bottom - before.top + top < page.bottom - GAP_PX) by = before.top - top;
    if (asked.bottom - by > page.bottom - GAP_PX) by = asked.bottom - page.bottom + GAP_PX;
    if (Math.abs(by) > 1) scroller.scrollBy({ top: by, behavior: "instant" });
  };
  const lineBefore = (card) => {
    const cards = [...notebookOf(el).querySelectorAll(".vnb-card")];
    const before = cards[cards.indexOf(card) - 1];
    return before && isSeen(before) && !before.classList.contains("vnb-open") ? before.getBoundingClientRect() : null;
  };
  const outerBar = () => bar.parentElement !== el;
  const mayFocus = () => {
    const on = document.activeElement;
    return !on || on === document.body || notebookOf(el).contains(on);
  };
  const release = () => {
    if (!held) return;
    clearInterval(held.timer);
    for (const kind of PERSON) removeEventListener(kind, release, true);
    held = null;
  };
  // What comes into the page after the card moves it: it is held in view for a moment, unless a person moves.
  const hold = (step) => {
    release();
    const until = performance.now() + HOLD_MS;
    const again = () => {
      const card = cardOf(step);
      if (!el.isConnected || performance.now() > until) return release();
      if (!card || !isSeen(card)) return;
      bring(card);
      const asked = askedOn(card);
      if (asked && mayFocus() && document.activeElement !== asked) asked.focus({ preventScroll: true });
    };
    held = { timer: setInterval(again, 60) };
    for (const kind of PERSON) addEventListener(kind, release, true);
    again();
  };
  // What ended is told outside of the page, if the wait was long and the person looks elsewhere.
  let waits = null;
  const watched = () => {
    // A card that is out of sight runs on, and says for how long it has.
    const running = notebookOf(el).querySelector("[data-vnb-waits]");
    if (running) waits = Math.min(waits ?? Infinity, performance.now() - 1000 * Number(running.dataset.vnbWaits));
    if (running || waits === null) return;
    const long = performance.now() - waits > LONG_WAIT_MS;
    waits = null;
    if (!long || !wantsNotice() || document.hasFocus()) return;
    setTimeout(() => new Notification("vergeos-nb", { body: model.get("said") || "A wait has ended.", tag: NOTICE }), 300);
  };
  const noticed = async (event) => {
    const button = event.target.closest?.("[data-vnb-notice]");
    if (!button || !notebookOf(el).contains(button)) return;
    if ((await Notification.requestPermission()) === "granted") sessionStorage.setItem(NOTICE, "yes");
    showNotice(button);
  };
  const turn = () => {
    show();
    watched();
    // The same words again are announced only if they are new to the page.
    said.textContent = "";
    setTimeout(() => (said.textContent = model.get("said")), 50);
    if (model.get("here")) hold(model.get("here"));
  };

  const clicked = (event) => {
    const step = event.target.closest("[data-vnb-goto]")?.dataset.vnbGoto;
    const card = step && cardOf(step);
    if (!card) return;
    bring(card);
    (card.querySelector("summary, button:not([aria-disabled='true'])") ?? card).focus({ preventScroll: true });
  };
  // A button of a card that only leads to another card.
  const led = (event) => {
    if (event.target.closest?.(".vnb-card [data-vnb-goto]") && notebookOf(el).contains(event.target)) clicked(event);
  };
  const copied = async (event) => {
    const button = event.target.closest?.("[data-vnb-copy]");
    if (!button || !notebookOf(el).contains(button)) return;
    const text = button.closest("[data-vnb-copied]") ?? button.parentElement;
    await navigator.clipboard.writeText(text.querySelector("[data-vnb-text]").textContent);
    button.textContent = "Copied";
  };
  // Enter in a field goes on to what is asked for next; it presses no button that changes something.
  const entered = (event) => {
    const field = event.target;
    const card = field.closest?.(".vnb-card");
    if (event.key !== "Enter" || event.shiftKey || !card || !field.matches("input, textarea") || field.type === "checkbox") return;
    if (!notebookOf(el).contains(card)) return;
    setTimeout(() => {
      const next = askedOn(card, field);
      if (!next || next === field) return;
      next.focus();
      if (next.matches(".vnb-strong")) next.click();
    });
  };
  // Words are one line: Enter goes on from them as from any field.
  const newline = (event) => {
    const field = event.target;
    if (event.key === "Enter" && field.matches?.(".vnb-card textarea") && notebookOf(el).contains(field)) event.preventDefault();
  };
  const ticked = (event) => {
    const box = event.target;
    const card = box.closest?.(".vnb-card");
    if (!card || box.type !== "checkbox" || !box.checked || !notebookOf(el).contains(card)) return;
    const open = [...card.querySelectorAll(".vnb-wanted input[type=checkbox]")].some((one) => isSeen(one) && !one.checked);
    if (open) return;
    // The kernel lights the button when it has heard of the last tick.
    const since = performance.now();
    const timer = setInterval(() => {
      const next = askedOn(card, box);
      const moved = document.activeElement !== box;
      if (moved || performance.now() - since > HOLD_MS) return clearInterval(timer);
      if (!next || isOff(next)) return;
      clearInterval(timer);
      next.focus();
    }, 60);
  };

  let tries = 0;
  const whenThere = () => {
    if (el.isConnected) {
      place();
      turn();
      // Our extension of JupyterLab keeps this notebook saved from now on.
      el.dispatchEvent(new CustomEvent("vergeos-nb:shown", { bubbles: true }));
      drawn.observe(notebookOf(el), { childList: true, subtree: true });
    } else if (++tries < 600) {
      requestAnimationFrame(whenThere);
    }
  };
  const clock = setInterval(() => {
    tell(notebookOf(el));
    watched();
  }, 1000);
  // Before it is seen in UTC.
  const drawn = new MutationObserver(() => localTimes(notebookOf(el)));
  bar.addEventListener("click", clicked);
  document.addEventListener("click", copied);
  document.addEventListener("click", noticed);
  document.addEventListener("click", led);
  document.addEventListener("keydown", newline);
  document.addEventListener("keyup", entered);
  document.addEventListener("change", ticked);
  model.on("change:html", show);
  model.on("change:turn", turn);
  whenThere();
  return () => {
    release();
    clearInterval(clock);
    drawn.disconnect();
    bar.remove();
    said.remove();
    document.removeEventListener("click", copied);
    document.removeEventListener("click", noticed);
    document.removeEventListener("click", led);
    document.removeEventListener("keydown", newline);
    document.removeEventListener("keyup", entered);
    document.removeEventListener("change", ticked);
    model.off("change:html", show);
    model.off("change:turn", turn);
  };
}
export default { render };
