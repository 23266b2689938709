"""The process in which a local model runs: serves one GGUF model on loopback until its standard input ends.

It is run as a file, not as a module of auricle, so that it starts without loading anything else. A process of its own
keeps a crash within llama.cpp from taking the caller along, and ends with the caller, however that ends.
"""

import argparse
import json
import os
import signal
import sys


def main() -> None:
    """Load, say where on standard output as one line of JSON, and serve."""
    import xllamacpp  # noqa: PLC0415 -- of an extra

    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--name", required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--projector", default="")
    given = parser.parse_args()
    # Ctrl-C reaches every process of a terminal; when this one ends is up to the caller.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say = os.dup(1)
    os.dup2(2, 1)  # whatever llama.cpp prints goes to its log

    params = xllamacpp.CommonParams()
    params.model.path = given.model
    params.model_alias = {given.name}  # or the server would tell the path
    params.mmproj.path = given.projector
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = given.context
    params.n_parallel = 1
    params.cpuparams.n_threads = given.threads
    params.cpuparams_batch.n_threads = given.threads
    params.n_gpu_layers = 0
    params.warmup = False
    params.offline = True
    params.ui = False
    params.endpoint_slots = False  # it would show what was asked
    server = xllamacpp.Server(params)
    os.write(say, (json.dumps({"url": server.listening_address}) + "\n").encode())
    os.close(say)
    sys.stdin.read()
    # llama.cpp's own end waits for answers that nobody will read.
    os._exit(0)


if __name__ == "__main__":
    main()
