"""A stand-in for a language model that takes its time: how well one that asks keeps it busy."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "stand-in"


@contextmanager
def slow_server(delay: float) -> Iterator[str]:
    """Serve on loopback until the block ends, and give the base URL.

    Parameters
    ----------
    delay
        From a request's last byte to its answer, in s, however many are under way. The answer is the first label that
        is offered.
    """

    class Handler(_Handler):
        wait = delay

    server = _Server(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wait = 0.0

    def log_message(self, *_: Any) -> None:
        """Keep the terminal clean."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.wait)
        labels = body["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"]
        said = json.dumps({"reason": "none: a stand-in", "cited": [], "label": labels[0], "confidence": None})
        message = {"role": "assistant", "content": said}
        self._send(
            {
                "id": "0", "object": "chat.completion", "created": 0, "model": MODEL,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        )  # fmt: skip

    def _send(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
