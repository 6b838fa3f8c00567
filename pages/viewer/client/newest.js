// How a component follows the redraws of its page.

/**
 * Return the function that Streamlit calls for each redraw. It calls `draw` with the component, and `remove` with the
 * component's parent once that is no longer in the page.
 *
 * Redraws that come while this module is still being loaded each load it again, and a browser finishes those loads in
 * any order: an older redraw can come after a newer one. Streamlit undoes it at once, so what is undone is not drawn.
 */
export function drawNewest(draw, remove) {
  return component => {
    let undone = false;
    setTimeout(() => { if (!undone) draw(component); });
    return () => {
      undone = true;
      if (!component.parentElement.isConnected) remove(component.parentElement);
    };
  };
}
