// Has JupyterLab open a runbook and run its cells. In a front end without our extension it shows a link.
function render({ model, el }) {
  el.setAttribute("role", "status");
  const go = () => {
    el.replaceChildren();
    // Another page that shows the same button stays where it is.
    if (document.hidden) return;
    const detail = { path: model.get("path"), run: true, press: model.get("press") };
    const asked = new CustomEvent("vergeos-nb:open", { detail, cancelable: true });
    window.dispatchEvent(asked);
    if (asked.defaultPrevented) return;
    const link = document.createElement("a");
    link.href = model.get("url");
    link.target = "_blank";
    link.textContent = model.get("path");
    el.append("Open ", link, ", then choose Run > Run All Cells.");
  };
  // The code of the start page's cells is of no use to anybody.
  const dress = () => {
    if (!el.isConnected) return requestAnimationFrame(dress);
    if (el.closest(".vnb-start")) el.closest(".jp-Notebook")?.classList.add("vnb-start-notebook");
  };
  dress();
  model.on("change:press", go);
  return () => model.off("change:press", go);
}
export default { render };
