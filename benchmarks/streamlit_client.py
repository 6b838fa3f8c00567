"""A user of the app without a browser: Streamlit's own websocket and upload endpoint, spoken as its pages do.

It keeps what the pages would keep: the elements that are drawn, the values of widgets, the messages that the server
sends once and refers to later, and the timers of the fragments that run again by themselves.
"""

import asyncio
import http.client
import json
import uuid
from base64 import b64decode
from collections.abc import Callable
from contextlib import closing
from time import monotonic
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 600.0  # seconds
_COOKIE = "_streamlit_xsrf"


class User:
    """One session of the app. `address` ends with a slash; `query` is that of the page's address."""

    def __init__(self, address: str, query: str = "") -> None:
        self.host, self.query = urlsplit(address).netloc, query
        self.elements: dict[tuple[int, ...], tuple[object, str]] = {}  # path -> element, fragment that drew it
        self.finished = 0  # runs of the whole page
        self._token = ""
        self._socket: ClientConnection | None = None
        self._session, self._page = "", ""
        self._values: dict[str, WidgetState] = {}
        self._kept: dict[str, ForwardMsg] = {}
        self._drawn: set[tuple[int, ...]] = set()  # in this run of the whole page
        self._timers: dict[str, asyncio.Task] = {}
        self._answers: dict[str, object] = {}
        self._changed = asyncio.Condition()
        self._listener: asyncio.Task | None = None

    async def open(self) -> None:
        """Connect, and wait until the page has been drawn once."""
        self._token = await asyncio.to_thread(self._cookie)
        headers = {"Cookie": f"{_COOKIE}={self._token}"}
        self._socket = await connect(
            f"ws://{self.host}/_stcore/stream",
            subprotocols=["streamlit", self._token],
            additional_headers=headers,
            max_size=None,
        )
        self._listener = asyncio.create_task(self._listen())
        await self._run()
        await self.wait(lambda: self.finished)

    async def close(self) -> None:
        """Leave, as by closing the tab."""
        for timer in self._timers.values():
            timer.cancel()
        self._listener.cancel()
        await self._socket.close()

    async def wait(self, found: Callable[[], object]) -> object:
        """Return what `found` returns as soon as that is true. Raises TimeoutError after `PATIENCE` seconds."""
        async with asyncio.timeout(PATIENCE), self._changed:
            while not (result := found()):
                await self._changed.wait()
            return result

    async def upload(self, label: str, name: str, data: bytes) -> None:
        """Put one file into an upload field."""
        field = self._widget("file_uploader", label)[0]
        request = FileURLsRequest(request_id=uuid.uuid4().hex, file_names=[name], session_id=self._session)
        await self._send(BackMsg(file_urls_request=request))
        (urls,) = await self.wait(lambda: self._answers.pop(request.request_id, None))
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        state = WidgetState(id=field.id)
        info = UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        state.file_uploader_state_value.uploaded_file_info.append(info)
        await self._run(state)

    async def choose(self, label: str, option: str) -> None:
        """Choose an option of a select box, by the words that it is shown with."""
        await self._run(WidgetState(id=self._widget("selectbox", label)[0].id, string_value=option))

    def downloads(self) -> dict[str, dict]:
        """Return what the download buttons on the page are given, by their label."""
        found = {}
        for element, _ in self.elements.values():
            if element.WhichOneof("type") == "bidi_component":
                data = json.loads(element.bidi_component.json or "null")
                if isinstance(data, dict) and {"label", "name", "file"} <= set(data):
                    found[data["label"]] = data
        return found

    async def download(self, label: str) -> bytes:
        """Press a download button once, and return the file that comes."""
        await self._tell(label, wanted=monotonic())
        file = await self.wait(lambda: self.downloads().get(label, {}).get("file"))
        if "bytes" not in file:
            raise RuntimeError(f"{label} failed")
        await self._tell(label, given=file["id"])
        await self.wait(lambda: label in self.downloads() and not self.downloads()[label]["file"])
        return b64decode(file["bytes"])

    async def _tell(self, label: str, **told) -> None:
        """Change values of a download button: "wanted", the time of the last click, and "given", the last file."""
        for element, fragment in self.elements.values():
            if element.WhichOneof("type") != "bidi_component":
                continue
            component = element.bidi_component
            if (json.loads(component.json or "null") or {}).get("label") == label:
                kept = self._values.get(component.id)
                values = (json.loads(kept.json_value) if kept else {}) | told
                await self._run(WidgetState(id=component.id, json_value=json.dumps(values)), fragment=fragment)
                return
        raise LookupError(f"no button {label}")

    def _widget(self, kind: str, label: str) -> tuple[object, str]:
        for element, fragment in self.elements.values():
            if element.WhichOneof("type") == kind and getattr(element, kind).label == label:
                return getattr(element, kind), fragment
        raise LookupError(f"no {kind} {label}")

    async def _run(self, *states: WidgetState, fragment: str = "", by_itself: bool = False) -> None:
        """Run the page, or one fragment, with the values of all widgets."""
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_script_hash = self.query, self._page
        client.fragment_id, client.is_auto_rerun = fragment, by_itself
        self._values |= {state.id: state for state in states}
        client.widget_states.widgets.extend(self._values.values())
        await self._send(message)

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        async for data in self._socket:
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "ref_hash":
                kept = ForwardMsg()
                kept.CopyFrom(self._kept[message.ref_hash])
                kept.metadata.CopyFrom(message.metadata)
                message = kept
            elif message.metadata.cacheable:
                self._kept[message.hash] = message
            async with self._changed:
                self._take(message)
                self._changed.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        of_fragment = bool(message.metadata.run.fragment_ids)
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            self._page = message.new_session.page_script_hash or self._page
            if not of_fragment:
                self._drawn = set()
                for fragment in list(self._timers):
                    self._timers.pop(fragment).cancel()
        elif kind == "delta":
            path = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element":
                self.elements[path] = message.delta.new_element, message.delta.fragment_id
            else:
                self.elements.pop(path, None)
            self._drawn.add(path)
        elif kind == "script_finished" and not of_fragment:
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self.elements = {path: each for path, each in self.elements.items() if path in self._drawn}
                self.finished += 1
        elif kind == "file_urls_response":
            answer = message.file_urls_response
            self._answers[answer.response_id] = list(answer.file_urls)
        elif kind == "auto_rerun":
            fragment, interval = message.auto_rerun.fragment_id, message.auto_rerun.interval
            if old := self._timers.pop(fragment, None):
                old.cancel()
            self._timers[fragment] = asyncio.create_task(self._again_and_again(fragment, interval))
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if old := self._timers.pop(fragment, None):
                    old.cancel()

    async def _again_and_again(self, fragment: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            await self._run(fragment=fragment, by_itself=True)

    def _cookie(self) -> str:
        with closing(http.client.HTTPConnection(self.host, timeout=PATIENCE)) as connection:
            connection.request("GET", "/_stcore/health")
            answer = connection.getresponse()
            answer.read()
        cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        return next(each.split(";")[0].partition("=")[2] for each in cookies if each.startswith(_COOKIE))

    def _put(self, url: str, name: str, data: bytes) -> None:
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={border}",
            "Cookie": f"{_COOKIE}={self._token}",
            "X-Xsrftoken": self._token,
        }
        body = head + data + f"\r\n--{border}--\r\n".encode()
        with closing(http.client.HTTPConnection(self.host, timeout=PATIENCE)) as connection:
            connection.request("PUT", urlsplit(url).path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status != 204:
            raise RuntimeError(f"the upload of {name} was answered by {answer.status}: {text[:200]!r}")
