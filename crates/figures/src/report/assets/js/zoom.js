// Figures, enlarged.

/** Opens a figure large where its picture is chosen; nothing where the page has no figures. */
function setUpZoom() {
  const dialog = byId("zoom");
  if (dialog === null) return;
  const image = dialog.querySelector("img");
  for (const button of document.querySelectorAll("button.zoom")) {
    button.addEventListener("click", () => {
      const shown = button.querySelector("img");
      image.src = shown.src;
      image.alt = shown.alt;
      dialog.showModal();
    });
  }
}
