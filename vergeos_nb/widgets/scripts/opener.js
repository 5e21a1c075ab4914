// Has JupyterLab open a runbook and run its cells. In a front end without our extension it shows a link.
function render({ model, el }) {
  el.setAttribute("role", "status");
  const go = () => {
    el.replaceChildren();
    // Another page that shows the same button stays where it is.
    if (document.hidden) return;
    const detail = { path: model.get("path"), run: true, press: `${model.model_id}-${model.get("turn")}` };
    const asked = new CustomEvent("vergeos-nb:open", { detail, cancelable: true });
    window.dispatchEvent(asked);
    if (asked.defaultPrevented) return;
    const link = document.createElement("a");
    link.href = model.get("url");
    link.target = "_blank";
    link.textContent = model.get("path");
    el.append("Open ", link, ", then choose Run > Run All Cells.");
  };
  model.on("change:turn", go);
  return () => model.off("change:turn", go);
}
export default { render };
