"""txdash's parts: a pipe that goes first, a store behind it, and what looks into the store.

Two processes. The command (``pump``) copies its input to its output and hands the same bytes on (``buffer``,
``link``) to a child (``serve``), which it starts again if it dies. The child takes lines in (``intake``),
puts them into the store, and serves the API and the page::

    stdin -> pump -> stdout
              |
            buffer (memory, then disk) -> link ==> intake -> Store -> Live -> SSE, Socket.IO, page
                                                              ^
                                                              +-- API, page (read; triage)

``store.Store`` is the one door to what is at rest. Its functions are plain and synchronous, for any thread
(in asyncio by ``asyncio.to_thread``): ``page(Filter, before, limit)``, ``alert(id)``, ``incident(id)``,
``address(address)``, ``triage(id, action, who, note, undoes)``, ``health()``, ``counts()``. ``store.rates``
has what came in second by second. ``store.live.batches(seq, wait_s=0.1)`` is an async iterator of batches of
events (``alert``, ``retraction``, ``triage``, ``health``), for readers at any pace; nothing is queued for a
reader. The way in is ``writer`` (``bulk``: many rows at once; ``tally``: counts and times beside the alerts),
the way to a page is ``walk``.

What an address is screened by (``lists``, ``states``) follows its files (``follow``); what is new is read by
a third process (``apart``), which leaves a file (``digest``) for the second to look into.

``api.app.build`` makes the FastAPI application, behind ``guard`` (Host, Origin, tokens, roles, limits);
``page.mount(app, board)``, where there is one, adds the page to it.
"""
