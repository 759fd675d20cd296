"""Bodies of requests, read no further than they may be large."""

from starlette.requests import ClientDisconnect, Request

from observatory.unpacking import Damaged, TooLarge


async def body(request: Request, most: int) -> bytes:
    """The body as it was sent, of at most `most` bytes.

    Raises TooLarge, or Damaged where the sender went away.
    """
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise TooLarge
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise Damaged("the sender went away") from error
    return b"".join(chunks)
