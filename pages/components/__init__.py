"""Components that pages share, and a folder of parts per page; a page is a script beside this folder."""
