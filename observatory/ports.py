"""Listening sockets, opened first so that a port in use is reported at once."""

import socket

import psutil


class PortTaken(Exception):
    """An address is in use or not available; the message names its process, if known."""


def open_listener(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free port.

    Raises:
        PortTaken: the address is not available.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"{host}:{port} is not available ({error.strerror}{_holder(port)})"
        ) from error
    return listener


def _holder(port: int) -> str:
    """The process that listens on the port, if this user may see it."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr[1:] == (port,) and each.pid:
                return f" by {psutil.Process(each.pid).name()}, process {each.pid}"
    except (psutil.Error, OSError):
        pass
    return ""
