"""``python -m valetkey.devchain.pyevm``: a local chain on a free port of loopback."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import time

import uvicorn

from valetkey.devchain.keys import DEV_BALANCE_WEI, dev_keys
from valetkey.devchain.pyevm.app import App
from valetkey.devchain.pyevm.methods import Methods
from valetkey.devchain.pyevm.node import LocalNode
from valetkey.devchain.rpc import CHAIN_ID

_BACKLOG = 128


def main() -> None:
    """Serve until the process is ended; say on the first line where."""
    balances = {key.address: DEV_BALANCE_WEI for key in dev_keys()}
    asked = argparse.ArgumentParser()
    asked.add_argument("--chain-id", type=int, default=CHAIN_ID)
    node = LocalNode(asked.parse_args().chain_id, balances, lambda: int(time.time()))
    logging.disable(logging.WARNING)
    # Named as TCP, or asyncio leaves Nagle's algorithm on: 40 ms for every answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(_BACKLOG)
    sys.stdout.write(f"Listening on 127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        App(Methods(node)),
        http="httptools",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_level="error",
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
