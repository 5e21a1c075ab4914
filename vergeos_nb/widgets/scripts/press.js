// A button whose press is acknowledged. See guarded_button.py for what happens when it is not.
function render({ model, el }) {
  const button = document.createElement("button");
  const note = document.createElement("span");
  button.type = "button";
  note.setAttribute("role", "alert");
  let waiting = null;
  let press = null;
  const isOff = () => model.get("disabled") || waiting !== null;
  const show = () => {
    button.textContent = model.get("description");
    button.className = `vnb-${model.get("look")}`;
    // A button with the attribute "disabled" loses the focus to the page's body, and Tab passes over it.
    button.setAttribute("aria-disabled", String(isOff()));
  };
  const settle = (text) => {
    clearTimeout(waiting);
    waiting = null;
    note.textContent = text;
    show();
  };
  const answered = () => {
    if (model.get("answered") !== press) return;
    press = null;
    settle("");
  };
  const unanswered = () => settle(model.get("unanswered"));
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && model.get("guarded")) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
  button.addEventListener("click", (event) => {
    // The second click of a double click may land on the button of the next card.
    if (isOff() || event.detail > 1) return;
    note.textContent = "";
    // One that was not answered is made again under its name, so that it counts once.
    press = press ?? `${Date.now()}-${Math.random()}`;
    waiting = setTimeout(unanswered, model.get("patience_ms"));
    show();
    try {
      model.send({ kind: "press", press });
    } catch (error) {
      unanswered();
    }
  });
  const shown = ["description", "disabled", "look"].map((name) => `change:${name}`);
  for (const name of shown) model.on(name, show);
  model.on("change:answered", answered);
  el.classList.add("vnb-press");
  el.append(button, note);
  show();
  return () => {
    clearTimeout(waiting);
    for (const name of shown) model.off(name, show);
    model.off("change:answered", answered);
  };
}
export default { render };
