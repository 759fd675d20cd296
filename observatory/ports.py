"""Listening sockets, opened before anything else is built: a taken port is reported at once."""

import socket

import psutil


class PortTaken(Exception):
    """An address can't be had; says by whom it is, where that can be seen."""


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        PortTaken: it can't be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(f"{host}:{port} can't be had ({error.strerror}{_holder(port)})") from error
    return listener


def _holder(port: int) -> str:
    """Who listens there, as far as this user may know."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr[1:] == (port,) and each.pid:
                return f" by {psutil.Process(each.pid).name()}, process {each.pid}"
    except (psutil.Error, OSError):
        pass
    return ""
