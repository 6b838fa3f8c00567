"""Groups of widgets that pages share; a page is a script beside this folder."""
