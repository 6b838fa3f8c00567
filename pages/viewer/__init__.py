"""The viewer of scans and maps: what is sent to the browser, and the component that draws it there."""
